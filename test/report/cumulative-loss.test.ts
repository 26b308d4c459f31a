// Figure 4's numbers: by hand, and against the formula in float64.
import test from 'ava';
import { cumulativeLoss } from 'retinanet-ops/retinanet';
import { f32, i32 } from '../support/arrays.js';
import { random } from '../support/random.js';

/** -(1 - p_t)^gamma log(p_t), summed over the classes of an anchor. */
function lossOf(logits: readonly number[], label: number, gamma: number): number {
  return logits.reduce((sum, logit, k) => {
    const p = 1 / (1 + Math.exp(k === label ? -logit : logit));
    return sum - (1 - p) ** gamma * Math.log(p);
  }, 0);
}

test('two samples of cross-entropy log 2 and 2 log 2 share it one to two', (t) => {
  // Probability 1/2 loses log 2, probability 1/4 twice as much; the ignored anchor and the background stay out.
  const logits = f32(0, Math.log(1 / 3), 50, -1);
  const { foreground, background, gammas, fractions } = cumulativeLoss(logits, i32(0, 0, -2, -1), {
    numClasses: 1,
    gammas: [0],
    fractions: [0, 0.25, 0.5, 0.75, 1],
  });
  t.deepEqual([gammas, fractions], [[0], [0, 0.25, 0.5, 0.75, 1]]);
  t.deepEqual([foreground.samples, background.samples], [2, 1]);
  const expected = [0, 1 / 6, 1 / 3, 2 / 3, 1];
  for (const [i, share] of foreground.shares[0]!.entries()) t.true(Math.abs(share - expected[i]!) < 1e-6);
  t.deepEqual(background.shares[0], [0, 0.25, 0.5, 0.75, 1]);
});

test('at every gamma the shares are those of the formula, at 0 of cross-entropy', (t) => {
  const next = random(3);
  const [rows, classes] = [400, 3];
  const logits = Float32Array.from({ length: rows * classes }, () => 8 * next() - 6);
  const labels = Int32Array.from({ length: rows }, () => Math.floor(5 * next()) - 2);
  const result = cumulativeLoss(logits, labels);
  t.deepEqual(result.gammas, [0, 0.5, 1, 2]);
  for (const kind of ['foreground', 'background'] as const) {
    const { samples, shares } = result[kind];
    const own = [...labels.keys()].filter((i) => (kind === 'foreground' ? labels[i]! >= 0 : labels[i] === -1));
    t.is(samples, own.length);
    for (const [g, gamma] of result.gammas.entries()) {
      const anchor = (i: number) => [...logits.subarray(i * classes, (i + 1) * classes)];
      const losses = own.map((i) => lossOf(anchor(i), labels[i]!, gamma)).sort((a, b) => a - b);
      const total = losses.reduce((sum, loss) => sum + loss, 0);
      for (const [f, fraction] of result.fractions.entries()) {
        const carried = losses.reduce(
          (sum, loss, i) => sum + loss * Math.max(0, Math.min(1, fraction * samples - i)),
          0,
        );
        t.true(Math.abs(shares[g]![f]! - carried / total) < 1e-5, `${kind} ${gamma} ${fraction}`);
      }
    }
  }
});

test('curves rise from 0 to 1, below the diagonal, and lower for larger gammas', (t) => {
  const next = random(5);
  const logits = Float32Array.from({ length: 3000 }, () => -7 * next() ** 2);
  const { foreground, background, fractions } = cumulativeLoss(logits, new Int32Array(3000).fill(-1), {
    numClasses: 1,
  });
  t.is(foreground.samples, 0);
  t.deepEqual(foreground.shares[0], fractions);
  t.deepEqual([fractions[0], fractions.at(-1)], [0, 1]);
  for (const [g, curve] of background.shares.entries()) {
    t.deepEqual([curve[0], curve.at(-1)], [0, 1]);
    for (const [i, share] of curve.entries()) {
      t.true(share <= fractions[i]! + 1e-9 && (i === 0 || share >= curve[i - 1]!));
      if (g > 0) t.true(share <= background.shares[g - 1]![i]! + 1e-9);
    }
  }
});
