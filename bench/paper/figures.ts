// The paper's figures 1 and 4 from our operations and networks, and how cross-entropy begins with and without the prior.
import { sigmoidFocalLoss } from 'retinanet-ops';
import type { CumulativeLoss } from 'retinanet-ops/retinanet';
import { drawFigure, type Figure, type Point } from '../figures.js';
import type { DataSet } from './data-sets.js';
import { type Experiment, EXPERIMENTS, FOCAL } from './experiments.js';
import { keyOf, type Results } from './run-files.js';

/** What the figure of the prior compares, from the runs of seed 0. */
const BEGINNINGS = EXPERIMENTS.filter(({ id, table }) => table === 'prior' || id === FOCAL);

export async function drawFigures(folder: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  await drawFigure(folder, 'figure-1', figure1());
  for (const data of sets) {
    const run = results.get(keyOf(FOCAL, data.name))?.find(({ cumulative }) => cumulative);
    for (const side of run?.cumulative ? (['foreground', 'background'] as const) : []) {
      await drawFigure(folder, `figure-4-${side}-${data.name}`, figure4(data, run!.cumulative!, side));
    }
    const points = BEGINNINGS.flatMap((experiment) => beginning(experiment, results, data));
    const title = `${data.title}: class loss as training goes on`;
    const axes = { xTitle: 'step', yTitle: 'class loss of a positive anchor, mean of 10 steps', yType: 'log' } as const;
    if (points.length > 0) await drawFigure(folder, `prior-${data.name}`, { title, ...axes, points });
  }
}

function figure4(
  { title }: DataSet,
  { gammas, fractions, ...sides }: CumulativeLoss,
  side: 'foreground' | 'background',
) {
  const points = gammas.flatMap((gamma, g) =>
    fractions.map((x, i) => ({ x, y: sides[side].shares[g]![i]!, series: `γ = ${gamma}` })),
  );
  const axes = { xTitle: `fraction of the ${side}, easiest first`, yTitle: 'cumulative normalized loss' };
  return { title: `${title}: ${side}`, ...axes, points };
}

function beginning({ id, label }: Experiment, results: Results, { name }: DataSet): Point[] {
  const losses = results.get(keyOf(id, name))?.[0]?.classLoss ?? [];
  const series = id === FOCAL ? `focal, ${label}` : label;
  return losses.flatMap((y, i) => (y > 0 ? [{ x: 10 * i + 5, y, series }] : []));
}

/** The focal loss of a sample by the probability of its class (figure 1), from the operation itself. */
function figure1(): Figure {
  const probabilities = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const logits = Float32Array.from(probabilities, (p) => Math.log(p / (1 - p)));
  const labels = new Int32Array(logits.length);
  const points = [0, 0.5, 1, 2, 5].flatMap((gamma) => {
    const losses = sigmoidFocalLoss(logits, labels, { alpha: null, gamma, reduction: 'none', numClasses: 1 });
    return probabilities.map((x, i) => ({ x, y: losses[i]!, series: `γ = ${gamma}` }));
  });
  return { title: 'Focal loss by γ', xTitle: 'probability of the true class', yTitle: 'loss', points };
}
