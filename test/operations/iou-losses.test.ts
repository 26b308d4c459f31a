import test from 'ava';
import * as sync from 'retinanet-ops';
import { IOU_LOSSES, type IouLossName } from '../reference/iou-losses.js';
import { retinanetLossReference } from '../reference/retinanet-loss.js';
import { asArray, mismatch } from '../support/compare.js';
import { f32, f64, goldenCases, type Packed } from '../support/goldens.js';
import { random, uniform } from '../support/random.js';

interface GoldenCase {
  predictions: Packed;
  targets: Packed;
  runs: { loss: IouLossName; value: Packed; grad: Packed }[];
}

const LOSSES = {
  giou: [sync.generalizedBoxIouLoss, sync.generalizedBoxIouLossValueAndGrad],
  diou: [sync.distanceBoxIouLoss, sync.distanceBoxIouLossValueAndGrad],
  ciou: [sync.completeBoxIouLoss, sync.completeBoxIouLossValueAndGrad],
} as const;

test('value and gradient are those of torchvision, and finite where it has none', (t) => {
  let unknown = 0;
  for (const golden of goldenCases<GoldenCase>('iou-losses.json')) {
    const [predictions, targets] = [f32(golden.predictions), f32(golden.targets)];
    t.deepEqual(golden.runs.map(({ loss }) => loss).sort(), [...IOU_LOSSES].sort());
    for (const { loss, value, grad } of golden.runs) {
      const got = LOSSES[loss][1](predictions, targets, { reduction: 'none' });
      const known = f64(value).map((v) => Number(Number.isFinite(v)));
      unknown += known.filter((v) => v === 0).length;
      const only = (numbers: Float64Array | Float32Array) =>
        Array.from(numbers).filter((_, i) => known[Math.floor((i * known.length) / numbers.length)] === 1);
      t.is(mismatch(only(asArray(got.loss)), only(f64(value)), { relative: 3e-7, absolute: 1e-12 }), null, loss);
      t.is(mismatch(only(got.grad), only(f64(grad)), { relative: 3e-7, absolute: 1e-9 }), null, `${loss}, gradient`);
      t.true([...asArray(got.loss), ...got.grad].every(Number.isFinite), loss);
    }
  }
  t.is(unknown, 9); // complete IoU with a point for a prediction or a target
});

for (const name of IOU_LOSSES) {
  const [loss, valueAndGrad] = LOSSES[name];

  test(`${name}: equal boxes lose nothing, boxes far away at most what the documents say`, (t) => {
    const box = Float32Array.of(10, 20, 40, 60);
    const equal = valueAndGrad(box, box.slice());
    t.true(equal.loss >= 0 && equal.loss < 1e-9);
    t.true(equal.grad.every((v) => Math.abs(v) < 1e-6));
    const away = loss(Float32Array.of(0, 0, 1, 1000), Float32Array.of(1e6, 1e6, 1e6 + 1000, 1e6 + 1));
    t.true(away > 1.9 && away <= (name === 'ciou' ? 2.5 : 2), String(away));
  });

  test(`${name}: weight 0 has no influence; NaN shows in its own box and in the sum`, (t) => {
    const targets = Float32Array.of(0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4);
    const predictions = Float32Array.of(1, 1, 5, 4, 1, NaN, 5, 4, 1, 1, 5, 4);
    const one = valueAndGrad(predictions.slice(0, 4), targets.slice(0, 4));
    const clean = valueAndGrad(predictions, targets, { weights: Float32Array.of(1, 0, 1) });
    t.is(clean.loss, 2 * one.loss);
    t.is(mismatch(clean.grad, [...one.grad, 0, 0, 0, 0, ...one.grad]), null);
    const none = asArray(loss(predictions, targets, { reduction: 'none' }));
    t.is(mismatch(none, [Math.fround(one.loss), NaN, Math.fround(one.loss)]), null);
    t.true(Number.isNaN(loss(predictions, targets)));
  });

  test(`${name}: the box loss of retinanetLoss is that of the decoded boxes, beyond the clipping too`, (t) => {
    const next = random(3);
    const count = 40;
    const anchors = uniform(next, 4 * count, 0, 3).map((v, i) => (i % 4 < 2 ? v : 20 + v));
    const boxDeltas = uniform(next, 4 * count, -1, 1).map((v, i) => (i % 4 >= 2 && i % 3 === 0 ? 4.5 + v : v));
    const groundTruth = {
      boxes: Float32Array.of(1, 1, 22, 22),
      labels: Int32Array.of(0),
      offsets: Int32Array.of(0, 1),
    };
    const options = { classLogits: new Float32Array(count), boxDeltas, anchors, groundTruth, numClasses: 1 };
    const got = sync.retinanetLoss({ ...options, boxLoss: name });
    t.is(got.numPositives, count);
    const decoded = sync.decodeBoxes(anchors, boxDeltas);
    const targets = Float32Array.from(decoded, (_, i) => groundTruth.boxes[i % 4]!);
    t.is(mismatch([got.boxLoss], [loss(decoded, targets, { reduction: 'mean' })], { relative: 1e-12 }), null);
    const want = retinanetLossReference({ ...options, boxLoss: name });
    t.is(mismatch(got.boxGrad, want.boxGrad, { relative: 1e-5, absolute: 1e-7 }), null);
    t.true(got.boxGrad.some((v, i) => v === 0 && boxDeltas[i]! > 4.14));
  });
}
