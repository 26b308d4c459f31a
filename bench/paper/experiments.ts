// What the paper compares, with its own figures (Lin et al., 2017, tables 1 and 3; AP, AP50 and AP75 in percent on COCO).
import type { LossName, LossOptions, RetinaNetConfig, TrainingOptions } from 'retinanet-ops/retinanet';

export type Table = 'prior' | '1a' | '1b' | '1c' | '1d' | '3';

export interface Experiment {
  /** Names the files of its runs. */
  id: string;
  table: Table;
  /** Its row in the table. */
  label: string;
  loss: LossName;
  lossOptions?: LossOptions;
  network?: Pick<RetinaNetConfig, 'priorProbability' | 'anchorScales' | 'aspectRatios'>;
  training?: Pick<TrainingOptions, 'clipNorm' | 'warmupSteps'>;
  paper?: readonly (number | null)[];
  /** Learning rates among which its own is sought, rising; default: LEARNING_RATES. */
  rates?: readonly number[];
  /** Trains at the learning rate of another, whose loss is of the same kind. */
  rateOf?: string;
  /** It is another under a second name, and takes that one's runs. */
  sameAs?: string;
  /** One of those that `--quick` runs. */
  isQuick?: true;
}

/** What all others are compared with. */
export const FOCAL = 'focal-2';

/** One of a kind of loss, at the learning rate of the best of the kind in the paper. */
const atRateOf = (best: string, experiment: Experiment): Experiment =>
  experiment.id === best ? experiment : { ...experiment, rateOf: best };
const balanced = (alpha: number, paper: number[]) =>
  atRateOf('balanced-0.75', {
    ...{ id: `balanced-${alpha}`, table: '1a', label: `alpha ${alpha}`, paper },
    ...{ loss: 'balanced-cross-entropy', lossOptions: { alpha } },
  });
const focal = (gamma: number, alpha: number, paper: number[]) =>
  atRateOf(FOCAL, {
    ...{ id: `focal-${gamma}`, table: '1b', label: `gamma ${gamma}, alpha ${alpha}`, paper },
    ...{ loss: 'focal', lossOptions: { alpha, gamma } },
  });
const shapes = (scales: number, ratios: number, ap: number): Experiment => ({
  ...{
    id: `anchors-${scales}x${ratios}`,
    table: '1c',
    label: `${scales} ${scales === 1 ? 'scale' : 'scales'}, ${ratios} ${ratios === 1 ? 'ratio' : 'ratios'}`,
    paper: [ap, null, null],
  },
  ...{ loss: 'focal', rateOf: FOCAL },
  network: {
    anchorScales: Array.from({ length: scales }, (_, i) => 2 ** (i / scales)),
    aspectRatios: ratios === 1 ? [1] : [0.5, 1, 2],
  },
});
const star = (gamma: number, beta: number, paper: number[]) =>
  atRateOf('focal-star-2-1', {
    ...{ id: `focal-star-${gamma}-${beta}`, table: '3', label: `FL* gamma ${gamma}, beta ${beta}`, paper },
    ...{ loss: 'focal-star', lossOptions: { gamma, beta } },
  });
const ohem = (id: string, label: string, lossOptions: LossOptions, paper: (number | null)[]) =>
  atRateOf('ohem-128-0.7', { id, table: '1d', label, loss: 'ohem', lossOptions, paper });
/** Cross-entropy without what keeps a bad beginning in bounds. */
const bare = (rateOf: string, label: string, priorProbability: number): Experiment => ({
  ...{ id: `${rateOf}-bare`, table: 'prior', label, rateOf },
  ...{ loss: 'cross-entropy', network: { priorProbability }, training: { clipNorm: 1e9, warmupSteps: 0 } },
});
const quick = (experiment: Experiment): Experiment => ({ ...experiment, isQuick: true });

export const EXPERIMENTS: readonly Experiment[] = [
  quick({
    ...{ id: 'cross-entropy-no-prior', table: 'prior', label: 'cross-entropy, prior 0.5' },
    ...{ loss: 'cross-entropy', network: { priorProbability: 0.5 } },
  }),
  quick({
    ...{ id: 'cross-entropy', table: 'prior', label: 'cross-entropy, prior 0.01' },
    ...{ loss: 'cross-entropy', paper: [30.2, null, null] },
  }),
  bare('cross-entropy-no-prior', 'cross-entropy, prior 0.5, no clipping, no warm-up', 0.5),
  bare('cross-entropy', 'cross-entropy, prior 0.01, no clipping, no warm-up', 0.01),
  balanced(0.25, [10.8, 16.0, 11.7]),
  balanced(0.5, [30.2, 46.7, 32.8]),
  quick(balanced(0.75, [31.1, 49.4, 33.0])),
  balanced(0.9, [30.8, 49.7, 32.3]),
  focal(0.5, 0.5, [32.9, 51.7, 35.2]),
  quick(focal(1, 0.25, [33.7, 52.0, 36.2])),
  quick(focal(2, 0.25, [34.0, 52.5, 36.5])),
  quick(focal(5, 0.25, [32.2, 49.6, 34.8])),
  shapes(1, 1, 30.3),
  shapes(2, 1, 31.9),
  shapes(1, 3, 32.4),
  shapes(2, 3, 34.2),
  { ...shapes(3, 3, 34.0), sameAs: FOCAL },
  quick(ohem('ohem-128-0.7', 'OHEM 128, NMS 0.7', { count: 128, iouThreshold: 0.7 }, [31.1, 47.2, 33.2])),
  ohem('ohem-128-0.5', 'OHEM 128, NMS 0.5', { count: 128, iouThreshold: 0.5 }, [32.8, 50.3, 35.1]),
  ohem('ohem-128-0.5-1to3', 'OHEM 128, NMS 0.5, 1:3', { count: 128, iouThreshold: 0.5, ratio: 3 }, [31.1, null, null]),
  quick({ id: 'ssd-1to3', table: '1d', label: 'hard negatives 1:3 (SSD)', loss: 'hard-negatives' }),
  quick(star(2, 1, [33.8, 52.7, 36.3])),
  star(4, 0, [33.9, 51.8, 36.4]),
];

/** Peaks of the schedule among which each loss has its own. */
export const LEARNING_RATES = [1e-3, 2e-3, 4e-3] as const;
/** What runs at, before it is sought, and with `--quick`. */
export const USUAL_RATE = 2e-3;
/** Of the runs that seek a learning rate; no other run has it. */
export const TUNING_SEED = 100;
