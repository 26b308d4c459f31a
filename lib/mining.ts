// Example mining: the alternatives to the focal loss that the RetinaNet paper compares with.
import { backendIndex, type BackendName } from './backend.js';
import { planSuppression } from './nms.js';
import { plan, type Plan } from './plan.js';
import { Check } from './validate.js';

export interface HardNegativesOptions {
  /** Negatives kept for each positive, >= 0. Default 3. */
  ratio?: number;
  backend?: BackendName;
}

export interface OnlineHardExamplesOptions {
  /** In [0, 1]: an example whose box overlaps a harder one's by more is dropped. Default 0.7. */
  iouThreshold?: number;
  /** How many examples to keep, >= 0. */
  count: number;
  backend?: BackendName;
}

/**
 * Hard negative mining (Liu et al. 2016, SSD, section 2.2): the floor(ratio * positives) background anchors of the largest loss.
 *
 * @param losses [N], or [N, K] summed over K; no NaN
 * @param labels [N] class labels, -1 background, -2 ignored (never selected)
 * @returns anchor indices, hardest first; of equal losses the smaller index comes first
 * @throws RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function selectHardNegatives(
  losses: Float32Array,
  labels: Int32Array,
  options?: HardNegativesOptions,
): Int32Array {
  return planSelectHardNegatives(losses, labels, options).runSync();
}

/**
 * Online hard example mining (Shrivastava et al. 2016, section 4.2): sort by loss, suppress what overlaps a harder example, keep
 * the hardest `count`.
 *
 * @param losses [n], no NaN
 * @param boxes [n, 4], finite
 * @returns rows, hardest first; of equal losses the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function onlineHardExamples(
  losses: Float32Array,
  boxes: Float32Array,
  options: OnlineHardExamplesOptions,
): Int32Array {
  return planOnlineHardExamples(losses, boxes, options).runSync();
}

export function planSelectHardNegatives(
  losses: Float32Array,
  labels: Int32Array,
  options?: HardNegativesOptions,
): Plan<Int32Array> {
  const check = new Check('selectHardNegatives');
  const given = check.options<HardNegativesOptions>('options', options, ['ratio', 'backend']);
  check.array('Float32Array', 'losses', losses);
  check.array('Int32Array', 'labels', labels);
  check.labels('labels', labels, -2);
  const rows = labels.length;
  if (rows === 0 ? losses.length > 0 : losses.length % rows !== 0 || losses.length === 0) {
    check.fail('ERR_SHAPE', 'losses', `[N] or [N, K] for ${String(rows)} labels`, `${String(losses.length)} elements`);
  }
  const columns = rows === 0 ? 0 : losses.length / rows;
  check.values('losses', losses, -Infinity, Infinity, columns);
  const ratio = given.ratio === undefined ? 3 : check.number('ratio', given.ratio, { min: 0 });
  const keep = check.allocate('Int32Array', rows);
  return plan(
    'selectHardNegatives',
    [backendIndex(check, given.backend), rows, columns, losses, labels, ratio, keep],
    (kept) => keep.slice(0, kept),
  );
}

export function planOnlineHardExamples(
  losses: Float32Array,
  boxes: Float32Array,
  options: OnlineHardExamplesOptions,
): Plan<Int32Array> {
  const check = new Check('onlineHardExamples');
  const names = ['iouThreshold', 'count', 'backend'] as const;
  const given = check.options<OnlineHardExamplesOptions>('options', options ?? null, names);
  const count = check.number('count', given.count, { min: 0, integer: true });
  const { iouThreshold = 0.7, backend } = given;
  return planSuppression(check, 'losses', boxes, losses, { iouThreshold, maxOutput: count, backend });
}
