// Example mining: the alternatives to the focal loss that the RetinaNet paper compares with.
import { backendIndex, type BackendName } from './backend.js';
import { Call } from './call.js';
import { head, type Floats, type FloatsLike, type IntsLike } from './device-tensor.js';
import { planSuppression } from './nms.js';
import { plan, type Plan } from './plan.js';

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
export function selectHardNegatives<F extends Floats>(
  losses: F,
  labels: IntsLike<F>,
  options?: HardNegativesOptions,
): IntsLike<F> {
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
export function onlineHardExamples<F extends Floats>(
  losses: F,
  boxes: FloatsLike<F>,
  options: OnlineHardExamplesOptions,
): IntsLike<F> {
  return planOnlineHardExamples(losses, boxes, options).runSync();
}

export function planSelectHardNegatives<F extends Floats>(
  losses: F,
  labels: IntsLike<F>,
  options?: HardNegativesOptions,
): Plan<IntsLike<F>> {
  const check = new Call('selectHardNegatives');
  const given = check.options<HardNegativesOptions>('options', options, ['ratio', 'backend']);
  check.operand('Float32Array', 'losses', losses);
  check.operand('Int32Array', 'labels', labels);
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
    check,
    'selectHardNegatives',
    [backendIndex(check, given.backend), rows, columns, losses, labels, ratio, keep],
    (kept) => head(check, keep, kept) as IntsLike<F>,
  );
}

export function planOnlineHardExamples<F extends Floats>(
  losses: F,
  boxes: FloatsLike<F>,
  options: OnlineHardExamplesOptions,
): Plan<IntsLike<F>> {
  const check = new Call('onlineHardExamples');
  const names = ['iouThreshold', 'count', 'backend'] as const;
  const given = check.required<OnlineHardExamplesOptions>('options', options, names);
  const count = check.number('count', given.count, { min: 0, integer: true });
  const { iouThreshold = 0.7, backend } = given;
  return planSuppression<Floats>(check, 'losses', boxes, losses, {
    iouThreshold,
    maxOutput: count,
    backend,
  }) as Plan<IntsLike<F>>;
}
