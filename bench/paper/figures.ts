// The paper's figures 1 and 4 from our operations and networks, and how cross-entropy begins with and without the prior.
import { sigmoidFocalLoss } from 'retinanet-ops';
import { drawFigure, type Figure } from '../figures.js';
import type { DataSet } from './data-sets.js';
import { keyOf, type Results } from './run-files.js';

export async function drawFigures(folder: string, results: Results, sets: readonly DataSet[]): Promise<void> {
  await drawFigure(folder, 'figure-1', figure1());
  for (const { name, title } of sets) {
    const run = results.get(keyOf('focal-2', name))?.find(({ cumulative }) => cumulative);
    for (const side of ['foreground', 'background'] as const) {
      const cumulative = run?.cumulative;
      if (!cumulative) continue;
      const points = cumulative.gammas.flatMap((gamma, g) =>
        cumulative.fractions.map((x, i) => ({ x, y: cumulative[side].shares[g]![i]!, series: `gamma ${gamma}` })),
      );
      const figure = {
        title: `${title}: ${side} samples`,
        xTitle: `fraction of ${side}`,
        yTitle: 'cumulative loss',
        points,
      };
      await drawFigure(folder, `figure-4-${side}-${name}`, figure);
    }
    const points = ['cross-entropy-no-prior', 'cross-entropy', 'focal-2'].flatMap((id) =>
      (results.get(keyOf(id, name))?.[0]?.classLoss ?? []).flatMap((loss, i) =>
        loss > 0 ? [{ x: 10 * i + 5, y: Math.log10(loss), series: id }] : [],
      ),
    );
    if (points.length === 0) continue;
    await drawFigure(folder, `prior-${name}`, {
      title: `${title}: class loss`,
      xTitle: 'step',
      yTitle: 'log10 of class loss',
      points,
    });
  }
}

/** The focal loss of a sample by the probability of its class (figure 1), from the operation itself. */
function figure1(): Figure {
  const probabilities = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);
  const logits = Float32Array.from(probabilities, (p) => Math.log(p / (1 - p)));
  const labels = new Int32Array(logits.length);
  const points = [0, 0.5, 1, 2, 5].flatMap((gamma) => {
    const losses = sigmoidFocalLoss(logits, labels, { alpha: null, gamma, reduction: 'none', numClasses: 1 });
    return probabilities.map((x, i) => ({ x, y: losses[i]!, series: `gamma ${gamma}` }));
  });
  return { title: 'Focal loss by gamma', xTitle: 'probability of the class', yTitle: 'loss', points };
}
