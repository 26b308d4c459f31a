// The class losses of a training and what each can be told, in one table.
import type { Check } from '../../arguments/check.js';
import { type Checked, number, type OptionsOf, type Table, value } from '../../arguments/options.js';

const SHARE = { min: 0, max: 1 } as const;
const alpha = (byDefault: number | null) =>
  value<number | null, number | null>(
    (check, argument, given) => (given === null ? null : check.number(argument, given, SHARE)),
    byDefault,
  );

/** What each class loss can be told. */
const OPTIONS = {
  focal: {
    /** Weight of the positive class in [0, 1], negatives weigh 1 - alpha; null: no weights. Default 0.25. */
    alpha: alpha(0.25),
    /** Focusing parameter, >= 0. Default 2. */
    gamma: number({ min: 0, max: 100, default: 2 }),
  },
  'cross-entropy': {},
  'balanced-cross-entropy': {
    /** As of `focal`. Default 0.75, the best of the paper's table 1a. */
    alpha: alpha(0.75),
  },
  'focal-star': {
    /** As of `focal`. Default 0.25. */
    alpha: alpha(0.25),
    /** Steepness of the sigmoid, > 0. Default 2. */
    gamma: number({ min: 0, exclusiveMin: true, max: 100, default: 2 }),
    /** What moves it: beta of the paper's appendix A. Default 1. */
    beta: number({ min: -100, max: 100, default: 1 }),
  },
  ohem: {
    /** Anchors kept of an image. Default 128. */
    count: number({ min: 1, max: 1e6, integer: true, default: 128 }),
    /** In [0, 1]: an anchor whose box overlaps a harder one's by more is dropped. Default 0.7. */
    iouThreshold: number({ ...SHARE, default: 0.7 }),
    /** Negatives kept for each positive among them, > 0: the paper's "OHEM 1:3" has 3. Default: whatever is hardest. */
    ratio: number({ min: 0, exclusiveMin: true, max: 1e6 }),
  },
  'hard-negatives': {
    /** Negatives kept for each positive, >= 0. Default 3. */
    ratio: number({ min: 0, max: 1e6, default: 3 }),
    /** Negatives kept of an image however few positives there are. Default 0. */
    minNegatives: number({ min: 0, max: 1e6, integer: true, default: 0 }),
  },
} satisfies Record<string, Table>;

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
export type LossName = keyof Tables;

/** The class losses that `trainRetinaNet` knows; see {@link LossName}. */
export const LOSS_NAMES = Object.keys(OPTIONS) as readonly LossName[];

/** Losses that can be divided by the positives of each image: what one call of `retinanetLoss` computes. */
export const isByImage = (name: LossName): boolean =>
  name === 'focal' || name === 'cross-entropy' || name === 'balanced-cross-entropy';

/** What a class loss can be told; each takes its own of these and refuses the others. */
export type LossOptions = Partial<
  OptionsOf<Tables['focal'] & Omit<Tables['focal-star'], 'alpha' | 'gamma'> & Tables['ohem'] & Tables['hard-negatives']>
>;

/** A class loss with all that it can be told. */
export type ClassLoss = { [Name in LossName]: { name: Name } & Checked<Tables[Name]> }[LossName];

/** @throws RetinanetOpsError `ERR_OPTION` for what that loss does not know, `ERR_RANGE` or `ERR_DTYPE` for a bad value */
export function classLossOf(check: Check, name: LossName, given: unknown): ClassLoss {
  const argument = `lossOptions (of loss '${name}')`;
  return { name, ...check.options<Table>(argument, given, OPTIONS[name], 'lossOptions.') } as ClassLoss;
}
