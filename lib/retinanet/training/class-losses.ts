// The class losses of a training and what each can be told, in one table.
import type { Check } from '../../arguments/check.js';
import { type Checked, number, type Table, value } from '../../arguments/options.js';

const SHARE = { min: 0, max: 1 } as const;
const alpha = (byDefault: number | null) =>
  value<number | null, number | null>(
    (check, argument, given) => (given === null ? null : check.number(argument, given, SHARE)),
    byDefault,
  );

/** What a class loss can be told; each takes its own of these and refuses the others. */
export interface LossOptions {
  /**
   * Of `focal`, `balanced-cross-entropy` and `focal-star`: weight of the positive class in [0, 1], negatives weigh 1 - alpha; null: no
   * weights. Default 0.25; 0.75 for `balanced-cross-entropy`, the best of the paper's table 1a.
   */
  alpha?: number | null;
  /** Of `focal`: the focusing parameter, >= 0. Of `focal-star`: the steepness of the sigmoid, > 0. Both at most 100. Default 2. */
  gamma?: number;
  /** Of `focal-star`: what moves the sigmoid, -100 to 100. Default 1. */
  beta?: number;
  /** Of `ohem`: anchors kept of an image, an integer from 1 to 10^6. Default 128. */
  count?: number;
  /** Of `ohem`: an anchor whose box overlaps a harder one's by more is dropped, in [0, 1]. Default 0.7. */
  iouThreshold?: number;
  /**
   * Negatives kept for each positive, at most 10^6. Of `hard-negatives`: >= 0, default 3. Of `ohem`: > 0, 3 for the paper's "OHEM 1:3";
   * default: whatever is hardest.
   */
  ratio?: number;
  /** Of `hard-negatives`: negatives kept of an image however few positives there are, an integer >= 0. Default 0. */
  minNegatives?: number;
}

const POSITIVE = { min: 0, exclusiveMin: true } as const;

/** By loss, what LossOptions describes. */
const OPTIONS = {
  focal: { alpha: alpha(0.25), gamma: number({ min: 0, max: 100, default: 2 }) },
  'cross-entropy': {},
  'balanced-cross-entropy': { alpha: alpha(0.75) },
  'focal-star': {
    alpha: alpha(0.25),
    gamma: number({ ...POSITIVE, max: 100, default: 2 }),
    beta: number({ min: -100, max: 100, default: 1 }),
  },
  ohem: {
    count: number({ min: 1, max: 1e6, integer: true, default: 128 }),
    iouThreshold: number({ ...SHARE, default: 0.7 }),
    ratio: number({ ...POSITIVE, max: 1e6 }),
  },
  'hard-negatives': {
    ratio: number({ min: 0, max: 1e6, default: 3 }),
    minNegatives: number({ min: 0, max: 1e6, integer: true, default: 0 }),
  },
} satisfies Record<LossName, Partial<Record<keyof LossOptions, Table[string]>>>;

type Tables = typeof OPTIONS;

/**
 * How the class loss copes with the many easy negatives:
 * - `focal`: all anchors (Lin et al., 2017, equation 5);
 * - `cross-entropy`: all anchors alike;
 * - `balanced-cross-entropy`: all anchors, positive ones with another weight than the rest (equation 3);
 * - `focal-star`: all anchors, -log(sigmoid(gamma x + beta)) / gamma of the logit x of being right (appendix A);
 * - `ohem`: the hardest anchors of an image after NMS over its anchors (Shrivastava et al., 2016);
 * - `hard-negatives`: all positives and the hardest negatives for each (SSD, Liu et al., 2016).
 */
export type LossName = 'focal' | 'cross-entropy' | 'balanced-cross-entropy' | 'focal-star' | 'ohem' | 'hard-negatives';

/** The class losses that `trainRetinaNet` knows; see {@link LossName}. */
export const LOSS_NAMES = Object.keys(OPTIONS) as readonly LossName[];

/** Losses that can be divided by the positives of each image: what one call of `retinanetLoss` computes. */
export const isByImage = (name: LossName): boolean =>
  name === 'focal' || name === 'cross-entropy' || name === 'balanced-cross-entropy';

/** A class loss with all that it can be told. */
export type ClassLoss = { [Name in LossName]: { name: Name } & Checked<Tables[Name]> }[LossName];

/** @throws RetinanetOpsError `ERR_OPTION` for what that loss does not know, `ERR_RANGE` or `ERR_DTYPE` for a bad value */
export function classLossOf(check: Check, name: LossName, given: unknown): ClassLoss {
  const argument = `lossOptions (of loss '${name}')`;
  return { name, ...check.options<Table>(argument, given, OPTIONS[name], 'lossOptions.') } as ClassLoss;
}
