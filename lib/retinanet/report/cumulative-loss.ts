// How the loss is spread over easy and hard samples: figure 4 of Lin et al. (2017).
import { Check } from '../../arguments/check.js';
import { number, value, type OptionsOf } from '../../arguments/options.js';
import { sigmoidFocalLoss } from '../../index.js';
import { plural } from './html.js';

const GAMMAS = [0, 0.5, 1, 2] as const;
/** Every hundredth, and the last hundredth in thousandths and its last in ten thousandths: of background, hardly more carries the loss. */
const FRACTIONS = [
  ...Array.from({ length: 99 }, (_, i) => i / 100),
  ...Array.from({ length: 9 }, (_, i) => (990 + i) / 1000),
  ...Array.from({ length: 11 }, (_, i) => (9990 + i) / 10_000),
];

const OPTIONS = {
  /** K. Default: logits.length / labels.length. */
  numClasses: number({ min: 1, integer: true }),
  /** Focusing parameters, each >= 0. Default 0, .5, 1, 2. */
  gammas: value<readonly number[], readonly number[]>(
    (check, argument, given) => check.numbers(argument, given, { min: 0 }, 16),
    GAMMAS,
  ),
  /** Where the curves are sampled, rising in [0, 1]. Default: 119 places, most of them towards 1. */
  fractions: value<readonly number[], readonly number[]>(
    (check, argument, given) => check.numbers(argument, given, { min: 0, max: 1 }, 100_000),
    FRACTIONS,
  ),
};

/** Options of `cumulativeLoss`. */
export interface CumulativeLossOptions extends OptionsOf<typeof OPTIONS> {}

/** The curves of foreground or background. */
export interface LossShares {
  /** Anchors that the curves are of. */
  samples: number;
  /** [gammas][fractions] share of the whole loss that the easiest samples carry; of no loss at all, the fraction itself. */
  shares: number[][];
}

/** What `cumulativeLoss` gives. */
export interface CumulativeLoss {
  /** One curve each. */
  gammas: number[];
  /** Share of the samples, from the easiest on, at which the curves are sampled. */
  fractions: number[];
  /** Anchors with an object. */
  foreground: LossShares;
  /** Anchors without. */
  background: LossShares;
}

/**
 * How much of the focal loss the easy samples carry: figure 4 of Lin et al. (2017, section 5.1). An anchor is a sample; its loss is
 * the sum over its classes, without alpha, which weighs the classes of samples and not how hard they are. For foreground and
 * background apart, samples are sorted by their loss, and what the easiest of them carry is summed and divided by what all do.
 *
 * @param logits [N, K] raw network outputs of the class subnet
 * @param labels [N] class label, -1 background, -2 ignored, as `assignAnchors` gives them; ignored ones are left out
 * @throws RetinanetOpsError `ERR_DTYPE`, `ERR_SHAPE`, `ERR_LABEL`, `ERR_RANGE` or `ERR_OPTION`
 */
export function cumulativeLoss(
  logits: Float32Array,
  labels: Int32Array,
  options: CumulativeLossOptions = {},
): CumulativeLoss {
  const check = new Check('cumulativeLoss');
  const { gammas, fractions, numClasses } = check.options('options', options, OPTIONS);
  check.array('Float32Array', 'logits', logits);
  check.array('Int32Array', 'labels', labels);
  const classes = numClasses ?? Math.max(1, logits.length / Math.max(1, labels.length));
  if (classes * labels.length !== logits.length || !Number.isInteger(classes)) {
    const expected = `${numClasses === undefined ? 'a whole number of' : numClasses} values per label`;
    check.fail('ERR_SHAPE', 'logits', expected, `${logits.length} values for ${plural(labels.length, 'label')}`);
  }
  check.labels('labels', labels, -2, classes);
  const fall = fractions.findIndex((fraction, i) => i > 0 && fraction < fractions[i - 1]!);
  if (fall >= 0) check.fail('ERR_RANGE', 'fractions', 'numbers that never fall', String(fractions[fall]), fall);
  const losses = new SampleLosses(classes, gammas);
  losses.add(logits, labels);
  return losses.curves(fractions);
}

/** Losses of anchors, collected image by image. */
export class SampleLosses {
  private readonly numClasses: number;
  private readonly gammas: readonly number[];
  /** [gammas][images] */
  private readonly foreground: Float32Array[][];
  private readonly background: Float32Array[][];

  constructor(numClasses: number, gammas: readonly number[] = GAMMAS) {
    this.numClasses = numClasses;
    this.gammas = gammas;
    this.foreground = gammas.map(() => []);
    this.background = gammas.map(() => []);
  }

  /** @param labels [N] of anchors with the logits [N, K] */
  add(logits: Float32Array, labels: Int32Array): void {
    for (const [g, gamma] of this.gammas.entries()) {
      const parameters = { alpha: null, gamma, numClasses: this.numClasses };
      const losses = sigmoidFocalLoss(logits, labels, { ...parameters, reduction: 'none' });
      const sums = rowSums(losses, labels.length);
      this.foreground[g]!.push(sums.filter((_, i) => labels[i]! >= 0));
      this.background[g]!.push(sums.filter((_, i) => labels[i] === -1));
    }
  }

  curves(fractions: readonly number[] = FRACTIONS): CumulativeLoss {
    const sharesOf = (parts: Float32Array[][]): LossShares => {
      const sorted = parts.map((part) => concatenate(part).sort());
      return { samples: sorted[0]!.length, shares: sorted.map((losses) => cumulativeShares(losses, fractions)) };
    };
    return {
      gammas: [...this.gammas],
      fractions: [...fractions],
      foreground: sharesOf(this.foreground),
      background: sharesOf(this.background),
    };
  }
}

function rowSums(values: Float32Array, rows: number): Float32Array {
  const width = rows === 0 ? 0 : values.length / rows;
  return Float32Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let k = row * width; k < (row + 1) * width; k++) sum += values[k]!;
    return sum;
  });
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The share of their sum that the first ones carry; within a sample, as much as of the sample. */
function cumulativeShares(rising: Float32Array, fractions: readonly number[]): number[] {
  const total = rising.reduce((sum, loss) => sum + loss, 0);
  if (!(total > 0)) return [...fractions];
  let [sum, next] = [0, 0];
  return fractions.map((fraction) => {
    const end = fraction * rising.length;
    while (next + 1 <= end) sum += rising[next++]!;
    const part = next < rising.length ? (end - next) * rising[next]! : 0;
    return Math.min(1, (sum + part) / total);
  });
}
