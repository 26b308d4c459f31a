import test from 'ava';
import { EXPERIMENTS, FOCAL, isTuned } from '../../bench/paper/experiments.js';
import { deviation, mean, pairedTest } from '../../bench/paper/statistics.js';

/** Differences of n pairs whose t is the given one. */
function differences(n: number, t: number): number[] {
  const around = Array.from({ length: n }, (_, i) => i - (n - 1) / 2);
  const middle = (t * deviation(around)) / Math.sqrt(n);
  return around.map((value) => value + middle);
}

test('the paired test has the values of published tables of Student’s t', (t) => {
  for (const [freedom, value, p] of [
    [1, 12.706, 0.05],
    [2, 4.303, 0.05],
    [3, 5.841, 0.01],
    [4, 2.132, 0.1],
    [9, 2.262, 0.05],
    [10, 3.169, 0.01],
    [30, 1.697, 0.1],
  ] as const) {
    const found = pairedTest(differences(freedom + 1, value));
    t.true(Math.abs(found / p - 1) < 2e-3, `${freedom} degrees of freedom: ${found}`);
    t.true(Math.abs(found - pairedTest(differences(freedom + 1, -value))) < 1e-12);
  }
  t.true(Number.isNaN(pairedTest([1])));
  t.is(pairedTest([0.5, 0.5]), 0);
  t.is(mean([1, 2, 6]), 3);
});

test('the comparisons have names of their own, and learning rates that exist', (t) => {
  const ids = EXPERIMENTS.map(({ id }) => id);
  t.is(new Set(ids).size, ids.length);
  t.true(ids.includes(FOCAL));
  for (const { rateOf } of EXPERIMENTS) if (rateOf) t.true(isTuned(EXPERIMENTS.find(({ id }) => id === rateOf)!));
});
