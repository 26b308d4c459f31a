// Every entry of an operation knows the same options and takes the same values for them.
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as sync from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import * as tensors from 'retinanet-ops/tfjs';
import type { Case } from '../operations/driver/case.js';
import { operation, withOptions } from '../operations/driver/calls.js';
import { caseOf, cases } from '../operations/driver/cases.js';

const all = [...new Set(cases.flatMap(({ options }) => options)), 'backend', 'nonsense'];

/** Whether the operation knows the option: it may find fault with null, but not with the name. */
async function knows(entry: object, c: Case, option: string): Promise<boolean> {
  const args = withOptions(c.example(), { [option]: null });
  try {
    await operation(entry, c.name)(...args);
    return true;
  } catch (error) {
    return !(error as Error).message.includes('a known option');
  }
}

test.serial('every entry knows the options that there are; tensors are never written into', async (t) => {
  await tf.setBackend('cpu');
  for (const c of cases) {
    for (const [entry, of] of Object.entries({ sync, promises, tensors })) {
      if (c.cpuOnly && of === tensors) continue;
      const named = c.cpuOnly ? c.options : [...c.options, 'backend'];
      const want = named.filter((option) => of !== tensors || option !== 'out').sort();
      const got: string[] = [];
      for (const option of all) if (await knows(of, c, option)) got.push(option);
      t.deepEqual(got.sort(), want, `${entry}: ${c.name}`);
    }
  }
});

const logits = Float32Array.of(0.5, -1, 2, -3, 0.25, 1);
const labels = Int32Array.of(1, -1, 0);
const tensorOf = (values: Float32Array, shape: number[]): tf.Tensor => tf.tensor(values, shape);

test.serial('alpha and gamma come as numbers in an array of any kind, everywhere', async (t) => {
  await tf.setBackend('cpu');
  const [loss] = caseOf('retinanetLoss').example() as [sync.RetinanetLossOptions];
  // Halves and quarters, which every kind of array holds; and whole numbers, for the kinds that hold no others.
  for (const [alpha, gamma] of [
    [
      [0.25, 0.75],
      [1.5, 2],
    ],
    [
      [1, 0],
      [3, 1],
    ],
  ] as const) {
    const kinds: ((values: readonly number[]) => ArrayLike<number>)[] = [
      (values) => [...values],
      (values) => Float32Array.from(values),
      (values) => Float64Array.from(values),
    ];
    if (alpha[0] === 1)
      kinds.push(
        (values) => Uint8Array.from(values),
        (values) => Int32Array.from(values),
      );
    const byClass = { alpha: alpha.map((a) => a), gamma: gamma.map((g) => g) };
    const want = sync.sigmoidFocalLossValueAndGrad(logits, labels, byClass);
    const wantLoss = sync.retinanetLoss({ ...loss, ...byClass }).loss;
    // One class at a time, each with its own number.
    const each = [0, 1].map((k) => {
      const column = logits.filter((_, i) => i % 2 === k);
      const own = labels.map((label) => (label === k ? 0 : -1));
      return sync.sigmoidFocalLoss(column, own, { alpha: alpha[k]!, gamma: gamma[k]! });
    });
    t.true(Math.abs(want.loss - each[0]! - each[1]!) < 1e-6 * want.loss);
    const x = tensorOf(logits, [3, 2]);
    for (const kind of kinds) {
      const given = { alpha: kind(alpha), gamma: kind(gamma) };
      t.deepEqual(sync.sigmoidFocalLossValueAndGrad(logits, labels, given), want);
      t.deepEqual(await promises.sigmoidFocalLossValueAndGrad(logits, labels, given), want);
      t.is(tensors.sigmoidFocalLoss(x, labels, given).dataSync()[0], Math.fround(want.loss));
      t.is(sync.retinanetLoss({ ...loss, ...given }).loss, wantLoss);
      t.is((await promises.retinanetLoss({ ...loss, ...given })).loss, wantLoss);
    }
    const onTensors = { alpha: tf.tensor1d([...alpha]), gamma: tf.tensor1d([...gamma]) };
    t.deepEqual(tensors.sigmoidFocalLossBackward(x, labels, onTensors).dataSync(), want.grad);
  }
  const one = { alpha: 0.3, gamma: 1.7 };
  const want = Math.fround(
    sync.sigmoidFocalLoss(logits, labels, { ...one, alpha: Math.fround(0.3), gamma: Math.fround(1.7) }),
  );
  const scalars = { alpha: tf.scalar(0.3), gamma: tf.scalar(1.7) };
  t.is(tensors.sigmoidFocalLoss(tensorOf(logits, [3, 2]), labels, scalars).dataSync()[0], want);
});

test('a number for every class is the same as a number for all', (t) => {
  const [alpha, gamma] = [0.1, 1.7];
  const want = sync.sigmoidFocalLoss(logits, labels, { alpha, gamma });
  t.is(sync.sigmoidFocalLoss(logits, labels, { alpha: [alpha, alpha], gamma: [gamma, gamma] }), want);
});

test('the length of alpha or gamma tells the classes of dense targets', (t) => {
  const targets = Float32Array.of(1, 0, 0, 0, 0, 1);
  const options = { normalizer: 'positives', weights: Float32Array.of(1, 0, 2) } as const;
  const want = sync.sigmoidFocalLossValueAndGrad(logits, targets, { ...options, alpha: [0.25, 0.25], numClasses: 2 });
  t.is(want.numPositives, 2);
  t.deepEqual(sync.sigmoidFocalLossValueAndGrad(logits, targets, { ...options, alpha: [0.25, 0.25] }), want);
  t.deepEqual(sync.sigmoidFocalLossValueAndGrad(logits, targets, { ...options, gamma: [2, 2] }), want);
});

test.serial('weights and anchorWeights are one option of every loss', async (t) => {
  await tf.setBackend('cpu');
  const weights = Float32Array.of(2, 0, 0.5);
  const zeros = new Float32Array(6);
  const x = tensorOf(logits, [3, 2]);
  for (const [name, targets] of [
    ['sigmoidFocalLossValueAndGrad', labels],
    ['smoothL1LossValueAndGrad', zeros],
  ] as const) {
    const rowwise = [0, 1, 2].map((row) => {
      const part = (array: ArrayLike<number>) =>
        Array.from(array).slice((row * array.length) / 3, ((row + 1) * array.length) / 3);
      const own = targets instanceof Int32Array ? Int32Array.from(part(targets)) : Float32Array.from(part(targets));
      const value = operation(sync, name.replace('ValueAndGrad', ''))(Float32Array.from(part(logits)), own) as number;
      return value * weights[row]!;
    });
    const want = operation(sync, name)(logits, targets, { weights }) as { loss: number };
    t.true(Math.abs(want.loss - rowwise.reduce((a, b) => a + b)) < 1e-6 * want.loss, name);
    t.deepEqual(operation(sync, name)(logits, targets, { anchorWeights: weights }), want);
    t.deepEqual(await operation(promises, name)(logits, targets, { anchorWeights: weights }), want);
    for (const given of [{ weights }, { anchorWeights: weights }, { weights: tf.tensor1d(weights) }]) {
      const onTensor = name.startsWith('smooth') ? tf.zeros([3, 2]) : targets;
      const got = operation(tensors, name)(x, onTensor, given) as { loss: tf.Tensor };
      t.is(got.loss.dataSync()[0], Math.fround(want.loss), name);
    }
    const both = { weights, anchorWeights: weights };
    t.throws(() => operation(tensors, name)(x, name.startsWith('smooth') ? tf.zeros([3, 2]) : targets, both), {
      code: 'ERR_OPTION',
      message: /anchorWeights/,
    });
  }
});

test.serial('numClasses on tensors: what the shape says, or an error that names it', async (t) => {
  await tf.setBackend('cpu');
  const x = tensorOf(logits, [3, 2]);
  const anchors = Float32Array.of(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44);
  const outputs = { classLogits: x, boxDeltas: tf.zeros([3, 4]), anchors, imageHeight: 40, imageWidth: 40 };
  const truth = { boxes: [[1, 1, 9, 9]], labels: [0], offsets: [0, 1] };
  const { imageHeight: _height, imageWidth: _width, ...forLoss } = outputs;
  const calls: ((numClasses?: number) => unknown)[] = [
    (numClasses) => tensors.sigmoidFocalLoss(x, labels, { numClasses }).dataSync(),
    (numClasses) => tensors.sigmoidFocalLossBackward(x, labels, { numClasses }).dataSync(),
    (numClasses) => tensors.sigmoidFocalLossValueAndGrad(x, labels, { numClasses }).grad.dataSync(),
    (numClasses) => tensors.decodeDetections({ ...outputs, numClasses }).boxes.dataSync(),
    (numClasses) => tensors.retinanetLoss({ ...forLoss, groundTruth: truth, numClasses }).loss.dataSync(),
  ];
  for (const call of calls) {
    t.deepEqual(call(2), call());
    t.throws(() => call(3), {
      code: 'ERR_SHAPE',
      message: /expected 2, the last axis of \w+, for numClasses, received 3$/,
    });
    t.throws(() => call(0), { code: 'ERR_RANGE', message: /numClasses, received 0/ });
    t.throws(() => call('2' as never), { code: 'ERR_DTYPE', message: /numClasses, received '2'/ });
  }
});
