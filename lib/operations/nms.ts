// Non-maximum suppression.
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import { head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { plan, type Plan } from '../runtime/plan.js';

export interface NmsOptions<F extends Floats = Float32Array> {
  /** In [0, 1]: a box whose IoU with a better one is greater is suppressed. Default 0.5. */
  iouThreshold?: number;
  /** At most so many boxes are kept, >= 0. Default: all that survive. */
  maxOutput?: number;
  /** [n]: boxes suppress only boxes of their own class. */
  classes?: IntsLike<F>;
  backend?: BackendName;
}

export const NMS_OPTIONS = ['iouThreshold', 'maxOutput', 'classes', 'backend'] as const;

/**
 * Greedy non-maximum suppression (torchvision.ops.nms; with `classes`, batched_nms).
 *
 * @param boxes [n, 4], finite
 * @param scores [n], no NaN; on a device, where nobody looks, a row that breaks either rule is not kept and suppresses nothing
 * @returns rows of the kept boxes by descending score; of equal scores the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function nms<F extends Floats>(boxes: F, scores: FloatsLike<F>, options?: NmsOptions<F>): IntsLike<F> {
  return planNms(boxes, scores, options).runSync();
}

export function planNms<F extends Floats>(boxes: F, scores: FloatsLike<F>, options?: NmsOptions<F>): Plan<IntsLike<F>> {
  const check = new Call('nms');
  const given = check.options<NmsOptions<F>>('options', options, NMS_OPTIONS);
  return planSuppression(check, 'scores', boxes, scores, given);
}

/** Shared with onlineHardExamples, whose scores are losses. */
export function planSuppression<F extends Floats>(
  check: Call,
  scoresName: string,
  boxes: F,
  scores: FloatsLike<F>,
  given: NmsOptions<F>,
): Plan<IntsLike<F>> {
  const count = check.boxes('boxes', check.operand('Float32Array', 'boxes', boxes), { area: false });
  check.operand('Float32Array', scoresName, scores, count, 'one a box');
  check.values(scoresName, scores, -Infinity, Infinity);
  const { classes, iouThreshold = 0.5, maxOutput = count } = given;
  if (classes !== undefined) check.operand('Int32Array', 'classes', classes, count, 'one a box');
  const threshold = check.number('iouThreshold', iouThreshold, { min: 0, max: 1 });
  const most = Math.min(count, check.number('maxOutput', maxOutput, { min: 0, integer: true }));
  const keep = check.allocate('Int32Array', most);
  return plan(
    check,
    'nms',
    {
      backend: backendIndex(check, given.backend),
      boxes,
      scores,
      classes: classes ?? null,
      iouThreshold: threshold,
      maxOutput: most,
      keep,
    },
    (kept) => head(check, keep, kept) as IntsLike<F>,
  );
}
