// The IoU losses as torchvision writes them, in float64; derivatives by dual numbers.
import { constant, Dual, variables } from './dual.js';

export const IOU_LOSSES = ['giou', 'diou', 'ciou'] as const;
export type IouLossName = (typeof IOU_LOSSES)[number];

const EPSILON = constant(1e-7, 4);
const ONE = constant(1, 4);
const TWO = constant(2, 4);

function parts(prediction: readonly Dual[], target: readonly Dual[]) {
  const [x1, y1, x2, y2] = prediction as [Dual, Dual, Dual, Dual];
  const [X1, Y1, X2, Y2] = target as [Dual, Dual, Dual, Dual];
  const [across, down] = [x2.min(X2).minus(x1.max(X1)), y2.min(Y2).minus(y1.max(Y1))];
  const inter = across.value > 0 && down.value > 0 ? across.times(down) : constant(0, 4);
  const area = x2.minus(x1).times(y2.minus(y1));
  const union = area.plus(X2.minus(X1).times(Y2.minus(Y1))).minus(inter);
  const loss = ONE.minus(inter.over(union.plus(EPSILON)));
  const [width, height] = [x2.max(X2).minus(x1.min(X1)), y2.max(Y2).minus(y1.min(Y1))];
  const turn = X2.minus(X1)
    .atanOver(Y2.minus(Y1))
    .minus(x2.minus(x1).atanOver(y2.minus(y1)));
  const v = constant(4 / Math.PI ** 2, 4).times(turn.squared());
  const [ofX, ofY] = [x1.plus(x2).minus(X1.plus(X2)).over(TWO), y1.plus(y2).minus(Y1.plus(Y2)).over(TWO)];
  return { union, loss, width, height, v, distance: ofX.squared().plus(ofY.squared()) };
}

/** One loss with its derivatives. `at`: the prediction at which alpha is worked out, which no derivative sees. */
export function iouLoss(name: IouLossName, prediction: readonly Dual[], target: readonly number[], at: number[]): Dual {
  const box = target.map((side) => constant(side, 4));
  const { union, loss, width, height, v, distance } = parts(prediction, box);
  if (name === 'giou') {
    const hull = width.times(height);
    return loss.plus(hull.minus(union).over(hull.plus(EPSILON)));
  }
  const diagonal = width.squared().plus(height.squared()).plus(EPSILON);
  const withDistance = loss.plus(distance.over(diagonal));
  if (name === 'diou') return withDistance;
  const fixed = parts(variables(at), box);
  const alpha = fixed.v.value / (fixed.loss.value + fixed.v.value + 1e-7);
  return withDistance.plus(constant(alpha, 4).times(v));
}

/** Value and gradient of each box of four numbers, times the weight of its row. */
export function iouLossReference(
  name: IouLossName,
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  { weights }: { weights?: ArrayLike<number> | undefined },
  at = predictions,
) {
  const value: number[] = [];
  const grad: number[] = [];
  const count = predictions.length / 4;
  for (let i = 0; i < count; i++) {
    const four = (of: ArrayLike<number>) => [0, 1, 2, 3].map((k) => of[4 * i + k]!);
    const weight = weights === undefined ? 1 : weights[Math.floor((i * weights.length) / count)]!;
    const loss = iouLoss(name, variables(four(predictions)), four(targets), four(at));
    value.push(weight === 0 ? 0 : weight * loss.value);
    grad.push(...loss.slopes.map((slope) => (weight === 0 ? 0 : weight * slope)));
  }
  return { value, grad };
}

/** The loss of the box that an anchor's deltas decode to, and its gradient by them. */
export function iouLossOfDeltas(
  name: IouLossName,
  given: {
    deltas: number[];
    anchor: ArrayLike<number>;
    box: ArrayLike<number>;
    at: number[];
    coderWeights?: ArrayLike<number>;
  },
) {
  const { deltas, anchor, box, at, coderWeights = [1, 1, 1, 1] } = given;
  const weights = Array.from(coderWeights, (weight) => constant(Math.fround(weight), 4));
  const unweighted = (values: readonly Dual[]) => values.map((delta, k) => delta.over(weights[k]!));
  const decoded = decodeDual(anchor, unweighted(variables(deltas)));
  const fixed = decodeDual(anchor, unweighted(variables(at))).map(({ value }) => value);
  const { value, slopes } = iouLoss(name, decoded, Array.from(box), fixed);
  return { value, grad: [...slopes] };
}

function decodeDual(anchor: ArrayLike<number>, deltas: readonly Dual[]): Dual[] {
  const largest = constant(Math.log(1000 / 16), 4);
  const axes = [0, 1].map((k) => {
    const size = constant(anchor[k + 2]! - anchor[k]!, 4);
    const centre = constant((anchor[k]! + anchor[k + 2]!) / 2, 4).plus(deltas[k]!.times(size));
    const half = deltas[k + 2]!.min(largest).exp().times(size).over(TWO);
    return [centre.minus(half), centre.plus(half)] as const;
  });
  return [axes[0]![0], axes[1]![0], axes[0]![1], axes[1]![1]];
}
