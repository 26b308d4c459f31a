// Non-maximum suppression.
import { backendIndex, type BackendName } from './backend.js';
import { plan, type Plan } from './plan.js';
import { Check } from './validate.js';

export interface NmsOptions {
  /** In [0, 1]: a box whose IoU with a better one is greater is suppressed. Default 0.5. */
  iouThreshold?: number;
  /** At most so many boxes are kept, >= 0. Default: all that survive. */
  maxOutput?: number;
  /** [n]: boxes suppress only boxes of their own class. */
  classes?: Int32Array;
  backend?: BackendName;
}

/**
 * Greedy non-maximum suppression (torchvision.ops.nms; with `classes`, batched_nms).
 *
 * @param boxes [n, 4], finite
 * @param scores [n], no NaN
 * @returns rows of the kept boxes by descending score; of equal scores the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function nms(boxes: Float32Array, scores: Float32Array, options?: NmsOptions): Int32Array {
  return planNms(boxes, scores, options).runSync();
}

export function planNms(boxes: Float32Array, scores: Float32Array, options?: NmsOptions): Plan<Int32Array> {
  const check = new Check('nms');
  const given = check.options<NmsOptions>('options', options, ['iouThreshold', 'maxOutput', 'classes', 'backend']);
  return planSuppression(check, 'scores', boxes, scores, given);
}

/** Shared with onlineHardExamples, whose scores are losses. */
export function planSuppression(
  check: Check,
  scoresName: string,
  boxes: Float32Array,
  scores: Float32Array,
  given: NmsOptions,
): Plan<Int32Array> {
  const count = check.boxes('boxes', check.array('Float32Array', 'boxes', boxes), { area: false });
  check.array('Float32Array', scoresName, scores, count, 'one a box');
  check.values(scoresName, scores, -Infinity, Infinity);
  const { classes, iouThreshold = 0.5, maxOutput = count } = given;
  if (classes !== undefined) check.array('Int32Array', 'classes', classes, count, 'one a box');
  const threshold = check.number('iouThreshold', iouThreshold, { min: 0, max: 1 });
  const most = Math.min(count, check.number('maxOutput', maxOutput, { min: 0, integer: true }));
  const keep = check.allocate('Int32Array', most);
  return plan(
    'nms',
    [backendIndex(check, given.backend), boxes, scores, classes ?? null, threshold, most, keep],
    (kept) => keep.slice(0, kept),
  );
}
