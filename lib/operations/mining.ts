// Example mining: the alternatives to the focal loss that the RetinaNet paper compares with.
import { backendIndex, type BackendName } from '../runtime/backend.js';
import { Call } from '../arguments/call.js';
import { head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { planSuppression } from './nms.js';
import { plan, type Plan } from '../runtime/plan.js';

export interface HardNegativesOptions {
  /** Negatives kept for each positive, >= 0. Default 3. */
  ratio?: number;
  /** Negatives kept however few positives there are, an integer >= 0. Default 0. */
  minNegatives?: number;
  backend?: BackendName;
}

export interface OnlineHardExamplesOptions {
  /** In [0, 1]: an example whose box overlaps a harder one's by more is dropped. Default 0.7. */
  iouThreshold?: number;
  /** How many examples to keep, >= 0. */
  count: number;
  backend?: BackendName;
}

export const HARD_NEGATIVES_OPTIONS = ['ratio', 'minNegatives', 'backend'] as const;
export const HARD_EXAMPLES_OPTIONS = ['iouThreshold', 'count', 'backend'] as const;

/**
 * Hard negative mining (Liu et al. 2016, SSD, section 2.2): of the background anchors the max(floor(ratio * positives),
 * minNegatives) of the largest loss, or all if there are fewer. The product is that of decimal numbers: 0.29 * 100 is 29, though
 * float64 makes it less; one within 2^-51 of its own size of a whole number is that number.
 *
 * @param losses [N], or [N, K] summed over K; no NaN (on a device, and where infinities cancel, an anchor with one is left out)
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
 * @param boxes [n, 4], finite; on a device, where nobody looks, a row that breaks either rule is left out
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
  const given = check.options<HardNegativesOptions>('options', options, HARD_NEGATIVES_OPTIONS);
  check.operand('Float32Array', 'losses', losses);
  check.operand('Int32Array', 'labels', labels);
  check.labels('labels', labels, -2);
  const rows = labels.length;
  if (rows === 0 ? losses.length > 0 : losses.length % rows !== 0 || losses.length === 0) {
    check.fail('ERR_SHAPE', 'losses', `[N] or [N, K] for ${String(rows)} labels`, `${String(losses.length)} elements`);
  }
  const columns = rows === 0 ? 0 : losses.length / rows;
  check.values('losses', losses, -Infinity, Infinity, columns);
  const { ratio = 3, minNegatives = 0 } = given;
  check.number('ratio', ratio, { min: 0 });
  check.number('minNegatives', minNegatives, { min: 0, integer: true });
  const keep = check.allocate('Int32Array', rows);
  return plan(
    check,
    'selectHardNegatives',
    { backend: backendIndex(check, given.backend), rows, columns, losses, labels, ratio, minNegatives, keep },
    (kept) => head(check, keep, kept) as IntsLike<F>,
  );
}

export function planOnlineHardExamples<F extends Floats>(
  losses: F,
  boxes: FloatsLike<F>,
  options: OnlineHardExamplesOptions,
): Plan<IntsLike<F>> {
  const check = new Call('onlineHardExamples');
  const given = check.required<OnlineHardExamplesOptions>('options', options, HARD_EXAMPLES_OPTIONS);
  const count = check.number('count', given.count, { min: 0, integer: true });
  const { iouThreshold = 0.7, backend } = given;
  return planSuppression<Floats>(check, 'losses', boxes, losses, {
    iouThreshold,
    maxOutput: count,
    backend,
  }) as Plan<IntsLike<F>>;
}
