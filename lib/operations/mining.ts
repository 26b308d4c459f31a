// Example mining: the alternatives to the focal loss that the RetinaNet paper compares with.
import { Call } from '../arguments/call.js';
import { number, type OptionsOf } from '../arguments/options.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import { head, type Floats, type FloatsLike, type IntsLike } from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import { planSuppression } from './nms.js';

const HARD_NEGATIVES = {
  /** Negatives kept for each positive, >= 0. Default 3. */
  ratio: number({ min: 0, default: 3 }),
  /** Negatives kept however few positives there are, an integer >= 0. Default 0. */
  minNegatives: number({ min: 0, integer: true, default: 0 }),
};
export const HARD_NEGATIVES_OPTIONS = { ...HARD_NEGATIVES, ...BACKEND };

/** Options of `selectHardNegatives`. */
export interface HardNegativesOptions extends OptionsOf<typeof HARD_NEGATIVES>, BackendOptions {}

const HARD_EXAMPLES = {
  /** In [0, 1]: an example whose box overlaps a harder one's by more is dropped. Default 0.7. */
  iouThreshold: number({ min: 0, max: 1, default: 0.7 }),
  /** How many examples to keep, >= 0. */
  count: number({ min: 0, integer: true, needed: true }),
};
export const HARD_EXAMPLES_OPTIONS = { ...HARD_EXAMPLES, ...BACKEND };

/** Options of `onlineHardExamples`. */
export interface OnlineHardExamplesOptions extends OptionsOf<typeof HARD_EXAMPLES>, BackendOptions {}

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
export const selectHardNegatives = synchronous(planSelectHardNegatives);

/**
 * Online hard example mining (Shrivastava et al. 2016, section 4.2): sort by loss, suppress what overlaps a harder example, keep
 * the hardest `count`.
 *
 * @param losses [n], no NaN
 * @param boxes [n, 4], finite; values in device memory are not checked: a row that breaks either rule is left out
 * @returns rows, hardest first; of equal losses the smaller row comes first
 * @throws RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const onlineHardExamples = synchronous(planOnlineHardExamples);

export function planSelectHardNegatives<F extends Floats>(
  losses: F,
  labels: IntsLike<F>,
  options?: HardNegativesOptions,
): Plan<IntsLike<F>> {
  const call = new Call('selectHardNegatives');
  const { backend, ...given } = call.options('options', options, HARD_NEGATIVES_OPTIONS);
  call.operand('Float32Array', 'losses', losses);
  call.operand('Int32Array', 'labels', labels);
  call.labels('labels', labels, native().labels.ignored);
  const rows = labels.length;
  if (rows === 0 ? losses.length > 0 : losses.length % rows !== 0 || losses.length === 0) {
    call.fail('ERR_SHAPE', 'losses', `[N] or [N, K] for ${String(rows)} labels`, `${String(losses.length)} elements`);
  }
  const columns = rows === 0 ? 0 : losses.length / rows;
  call.values('losses', losses, -Infinity, Infinity, columns);
  const keep = call.allocate('Int32Array', rows);
  return plan(
    call,
    'selectHardNegatives',
    { backend: backendIndex(call, backend), rows, columns, losses, labels, ...given, keep },
    (kept) => head(call, keep, kept) as IntsLike<F>,
  );
}

export function planOnlineHardExamples<F extends Floats>(
  losses: F,
  boxes: FloatsLike<F>,
  options: OnlineHardExamplesOptions,
): Plan<IntsLike<F>> {
  const call = new Call('onlineHardExamples');
  const { count, ...given } = call.options('options', options, HARD_EXAMPLES_OPTIONS);
  return planSuppression<F>(call, 'losses', boxes, losses, { ...given, maxOutput: count, classes: undefined });
}
