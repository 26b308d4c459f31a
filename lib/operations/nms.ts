// Non-maximum suppression.
import { Call } from '../arguments/call.js';
import { array, number, type Checked, type IntArray, type OptionsOf } from '../arguments/options.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import { head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';

export const SUPPRESSION = {
  /** In [0, 1]: a box whose IoU with a better one is greater is suppressed. Default 0.5. */
  iouThreshold: number({ min: 0, max: 1, default: 0.5 }),
  /** At most so many boxes are kept, >= 0. Default: all that survive. */
  maxOutput: number({ min: 0, integer: true }),
  /** [n] boxes suppress only boxes of their own class. */
  classes: array<IntArray>(),
};
export const NMS_OPTIONS = { ...SUPPRESSION, ...BACKEND };

/** Options of `nms`. */
export interface NmsOptions<F extends Floats = Float32Array> extends OptionsOf<typeof SUPPRESSION, F>, BackendOptions {}

/**
 * Greedy non-maximum suppression (torchvision.ops.nms; with `classes`, batched_nms).
 *
 * @param boxes [n, 4], finite
 * @param scores [n], no NaN; values in device memory are not checked: a row that breaks either rule is not kept and suppresses
 *   nothing
 * @returns rows of the kept boxes by descending score; of equal scores the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const nms = synchronous(planNms);

export function planNms<F extends Floats>(boxes: F, scores: FloatsLike<F>, options?: NmsOptions<F>): Plan<IntsLike<F>> {
  const call = new Call('nms');
  return planSuppression<F>(call, 'scores', boxes, scores, call.options('options', options, NMS_OPTIONS));
}

/** Shared with onlineHardExamples, whose scores are losses. */
export function planSuppression<F extends Floats>(
  call: Call,
  scoresName: string,
  boxes: Floats,
  scores: Floats,
  given: Checked<typeof NMS_OPTIONS>,
): Plan<IntsLike<F>> {
  const count = call.boxes('boxes', call.operand('Float32Array', 'boxes', boxes), { area: false });
  call.operand('Float32Array', scoresName, scores, count, '(one per box)');
  call.values(scoresName, scores, -Infinity, Infinity);
  const { classes, iouThreshold, maxOutput = count, backend } = given;
  const maxKept = Math.min(count, maxOutput);
  const fields = {
    classes: classes === undefined ? null : call.operand('Int32Array', 'classes', classes, count, '(one per box)'),
    keep: call.allocate('Int32Array', maxKept),
    backend: backendIndex(call, backend),
  };
  return plan(
    call,
    'nms',
    { boxes, scores, iouThreshold, maxOutput: maxKept, ...fields },
    (kept) => head(call, fields.keep, kept) as IntsLike<F>,
  );
}
