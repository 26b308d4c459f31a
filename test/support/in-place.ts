// Outputs that are an operand itself: what docs allow, against outputs of their own, to the bit.
import * as ops from 'retinanet-ops';
import { bits } from './compare.js';
import { integers, random, randomBoxes, uniform } from './random.js';

/** An operation by the operand that its output may lie over. */
interface InPlace {
  name: string;
  operand: Float32Array;
  run: (operand: Float32Array, out?: Float32Array) => Float32Array;
}

/** Losses, gradients and boxes of `rows` rows and `columns` columns. */
function cases(rows: number, columns: number): InPlace[] {
  const next = random(1000 * rows + columns);
  const [count, reduction] = [rows * columns, 'none'] as const;
  const logits = uniform(next, count, -8, 8);
  const weights = uniform(next, rows, 0, 2);
  const upstream = uniform(next, count, -2, 2);
  const result: InPlace[] = [];
  for (const [kind, targets] of [
    ['labels', integers(next, rows, -2, columns)],
    ['dense', uniform(next, count, 0, 1)],
  ] as const) {
    for (const gamma of [2, 1.5]) {
      const options = { numClasses: columns, gamma, anchorWeights: weights };
      const both = (x: Float32Array, out?: Float32Array) => {
        const given = { ...options, reduction, out: { grad: out, losses: new Float32Array(count) } };
        return ops.sigmoidFocalLossValueAndGrad(x, targets, given);
      };
      result.push(
        {
          name: `sigmoidFocalLossBackward, ${kind}, gamma ${String(gamma)}`,
          operand: logits,
          run: (x, out) =>
            ops.sigmoidFocalLossBackward(x, targets, { ...options, reduction, gradOutput: upstream, out }),
        },
        {
          name: `sigmoidFocalLossValueAndGrad, ${kind}, gamma ${String(gamma)}`,
          operand: logits,
          run: (x, out) => both(x, out).grad,
        },
        {
          name: `sigmoidFocalLossValueAndGrad, ${kind}, gamma ${String(gamma)}, the losses beside`,
          operand: logits,
          run: (x, out) => both(x, out).loss,
        },
      );
    }
  }
  const targets = uniform(next, count, -8, 8);
  result.push(
    {
      name: 'smoothL1LossBackward',
      operand: logits,
      run: (x, out) => ops.smoothL1LossBackward(x, targets, { weights, reduction, gradOutput: upstream, out }),
    },
    {
      name: 'smoothL1LossValueAndGrad',
      operand: logits,
      run: (x, out) => ops.smoothL1LossValueAndGrad(x, targets, { weights, out }).grad,
    },
  );
  const [anchors, boxes] = [randomBoxes(next, rows, 300), randomBoxes(next, rows, 300)];
  const deltas = uniform(next, 4 * rows, -1, 1);
  result.push(
    { name: 'encodeBoxes', operand: boxes, run: (x, out) => ops.encodeBoxes(anchors, x, { out }) },
    { name: 'decodeBoxes', operand: deltas, run: (x, out) => ops.decodeBoxes(anchors, x, { out }) },
    { name: 'clipBoxes', operand: boxes, run: (x, out) => ops.clipBoxes(x, { height: 200, width: 100, out }) },
  );
  const loss = (classLogits: Float32Array, boxDeltas: Float32Array, out: ops.RetinanetLossOut) => {
    const labels = integers(random(rows), rows, 0, columns);
    const groundTruth = { boxes, labels, offsets: Int32Array.of(0, rows) };
    return ops.retinanetLoss({ classLogits, boxDeltas, anchors, groundTruth, numClasses: columns, out });
  };
  result.push(
    {
      name: 'retinanetLoss, classGrad',
      operand: logits,
      run: (x, out) => loss(x, deltas, { classGrad: out }).classGrad,
    },
    { name: 'retinanetLoss, boxGrad', operand: deltas, run: (x, out) => loss(logits, x, { boxGrad: out }).boxGrad },
  );
  return result;
}

/**
 * Names of what differs, and how many cases there were; sizes around the widths of vectors, and one for several threads. A device
 * has no vectors, and the emulator of one takes its time.
 */
export function inPlaceMismatches(): { checked: number; wrong: string[] } {
  const wrong: string[] = [];
  let checked = 0;
  const onDevice = ops.backendInfo().active === 'cuda';
  const lengths = onDevice ? [1, 33] : [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33];
  const sizes = lengths.flatMap((rows) => [1, 3, 16].map((columns) => [rows, columns]));
  for (const [rows, columns] of [...sizes, [onDevice ? 300 : 20_000, 4]] as [number, number][]) {
    for (const { name, operand, run } of cases(rows, columns)) {
      const want = bits(run(operand));
      const inPlace = operand.slice();
      checked++;
      if (bits(run(inPlace, inPlace)) !== want) wrong.push(`${name}, ${String(rows)} x ${String(columns)}`);
    }
  }
  return { checked, wrong };
}
