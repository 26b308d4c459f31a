import { IOU_LOSSES, iouLossReference } from '../../reference/iou-losses.js';
import { f32 } from '../../support/arrays.js';
import { pick, randomBoxes } from '../../support/random.js';
import type { Next } from '../driver/case.js';
import { LOSS_OPTIONS, lossCases, someWeights } from '../driver/loss.js';

interface Options {
  weights?: Float32Array;
  anchorWeights?: Float32Array;
}

const NAMES = { giou: 'generalizedBoxIouLoss', diou: 'distanceBoxIouLoss', ciou: 'completeBoxIouLoss' } as const;

/** Boxes near the targets and far from them; some share sides with theirs, some are the same. */
function someBoxes(next: Next, count: number): [predictions: Float32Array, targets: Float32Array] {
  const [predictions, targets] = [randomBoxes(next, count, 60, 2, 30), randomBoxes(next, count, 60, 2, 30)];
  for (let i = 0; i < count; i++) {
    const own = predictions.subarray(4 * i, 4 * i + 4);
    const other = targets.subarray(4 * i, 4 * i + 4);
    const [width, height] = [own[2]! - own[0]!, own[3]! - own[1]!];
    const choice = next();
    if (choice < 0.1) own.set(other);
    else if (choice < 0.2) own.set([other[0]!, own[1]!, other[0]! + width, own[3]!]);
    else if (choice < 0.3) own.set([other[2]! - width, other[3]! - height, other[2]!, other[3]!]);
    else if (choice < 0.6) own.set(other.map((side) => side + next() - 0.5));
  }
  return [predictions, targets];
}

const boxes = () => f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44);

export default IOU_LOSSES.map((name) =>
  lossCases<Float32Array, Options>({
    name: NAMES[name],
    options: LOSS_OPTIONS,
    rows: { edges: [0, 1, 2, 3, 5, 8, 17, 65, 130, 260], large: 20_000 },
    inputs(next, rows) {
      const [predictions, targets] = someBoxes(next, rows * pick(next, [1, 2]));
      return [predictions, targets, someWeights(next, rows)];
    },
    reference: (...args) => iouLossReference(name, ...args),
    tolerance: () => ({ relative: 1e-6, absolute: 1e-9 }),
    slopes: { absolute: 1e-5 }, // boxes that are the same bend
    shapes(predictions, _targets, { weights, anchorWeights = weights }) {
      const rows = anchorWeights?.length ?? predictions.length / 4;
      const each = predictions.length / (4 * rows) || 1;
      const shape = each === 1 ? [rows] : [rows, each];
      return {
        0: [...shape, 4],
        1: [...shape, 4],
        '2.weights': [rows],
        '2.anchorWeights': [rows],
        '2.gradOutput': shape,
      };
    },
    example: () => [f32(1, 2, 9, 12, 5, 7, 18, 26, 28, 28, 50, 40), boxes(), {}],
    bad: [
      [0, new Int32Array(12), 'ERR_DTYPE', /predictions, received an Int32Array/],
      [0, new Float32Array(6), 'ERR_SHAPE', /, received/],
      [1, new Float32Array(8), 'ERR_SHAPE', /12 elements like predictions for targets, received 8/],
      [{ beta: 1 }, 'ERR_OPTION', /'beta'/],
      [{ normalizer: 0 }, 'ERR_RANGE', /normalizer, received 0/],
      [{ weights: new Float32Array(2) }, 'ERR_SHAPE', /one weight per row of 12 predictions for weights, received 2/],
      [{ weights: new Float32Array(12) }, 'ERR_SHAPE', /for weights, received 12/],
      [{ weights: f32(1, -1, 1) }, 'ERR_RANGE', /weights, received -1 at row 1/],
      [{ reduction: 'none', out: new Float32Array(11) }, 'ERR_SHAPE', /elements.* for out, received 11/],
    ],
  }),
);
