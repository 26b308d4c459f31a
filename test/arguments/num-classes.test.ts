// Dense targets do not tell where an anchor ends. What depends on it is refused where nothing else tells.
import test from 'ava';
import { sigmoidFocalLoss, sigmoidFocalLossBackward, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import { f32 } from '../support/arrays.js';
import { mismatch } from '../support/compare.js';

const logits = new Float32Array(6);
const targets = f32(0, 0, 0, 1, 1, 0);
// At logit 0: alpha (1 - p)^2 log 2 of a positive, (1 - alpha) p^2 log 2 of a negative.
const sum = (2 * 0.25 + 4 * 0.75) * 0.25 * Math.LN2;
const near = (got: number, want: number): boolean => mismatch([got], [want], { relative: 1e-6 }) === null;

const refused = {
  code: 'ERR_OPTION',
  message: /expected a number \(positive anchors are counted, .* for numClasses, received undefined$/,
};

test('positives are counted by anchors, whose length is given', (t) => {
  const normalizer = 'positives';
  t.throws(() => sigmoidFocalLoss(logits, targets, { normalizer }), refused);
  t.throws(() => sigmoidFocalLoss(logits, targets, { normalizer, reduction: 'none' }), refused);
  t.throws(() => sigmoidFocalLossBackward(logits, targets, { normalizer }), refused);
  for (const [numClasses, positives] of [
    [1, 2],
    [2, 2],
    [3, 1],
    [6, 1],
  ] as const) {
    const given = { normalizer, numClasses } as const;
    t.true(near(sigmoidFocalLoss(logits, targets, given), sum / positives), String(numClasses));
    const { loss, numPositives, grad } = sigmoidFocalLossValueAndGrad(logits, targets, given);
    t.deepEqual([loss, numPositives], [sigmoidFocalLoss(logits, targets, given), positives]);
    t.deepEqual(grad, sigmoidFocalLossBackward(logits, targets, given));
  }
  t.true(near(sigmoidFocalLoss(logits, targets, { normalizer, numClasses: 1 }), 0.3032519));
  t.true(near(sigmoidFocalLoss(logits, targets, { normalizer, numClasses: 3 }), 0.6065037));
});

test('numPositives of the value and gradient is a count as well', async (t) => {
  t.throws(() => sigmoidFocalLossValueAndGrad(logits, targets), refused);
  await t.throwsAsync(promises.sigmoidFocalLossValueAndGrad(logits, targets), refused);
  t.is(sigmoidFocalLossValueAndGrad(logits, targets, { numClasses: 3 }).numPositives, 1);
  // A bad value is the news before that.
  t.throws(() => sigmoidFocalLossValueAndGrad(logits, f32(0, 0, 0, 2, 0, 0)), { code: 'ERR_RANGE', message: /row 3/ });
});

test('what does not depend on K needs none', (t) => {
  t.true(near(sigmoidFocalLoss(logits, targets), sum));
  t.true(near(sigmoidFocalLoss(logits, targets, { reduction: 'mean', normalizer: 2 }), sum / 12));
  t.is(sigmoidFocalLossBackward(logits, targets).length, 6);
  t.is(sigmoidFocalLossValueAndGrad(f32(0), f32(1)).numPositives, 1);
  t.is(sigmoidFocalLossValueAndGrad(f32(), f32()).numPositives, 0);
});

test('options by class or by anchor tell K by their length', (t) => {
  const three = f32(0.25, 0.25, 0.25);
  const twos = f32(2, 2, 2);
  for (const options of [
    { alpha: three },
    { gamma: twos },
    { alpha: three, gamma: twos },
    { anchorWeights: f32(1, 1) },
  ]) {
    const { loss, numPositives } = sigmoidFocalLossValueAndGrad(logits, targets, {
      ...options,
      normalizer: 'positives',
    });
    t.is(numPositives, 1);
    t.true(near(loss, sum));
  }
  const both = { alpha: three, gamma: f32(2, 2) };
  t.throws(() => sigmoidFocalLoss(logits, targets, both), { code: 'ERR_SHAPE', message: /3 elements .* for gamma/ });
  const weights = { anchorWeights: f32(1, 1, 1, 1) };
  t.throws(() => sigmoidFocalLoss(logits, targets, weights), {
    code: 'ERR_SHAPE',
    message: /one weight per anchor of 6 logits for anchorWeights, received 4/,
  });
});
