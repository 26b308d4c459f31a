// Gradients beside finite differences of the float64 reference, and the three forms of a loss beside each other.
import test from 'ava';
import * as sync from 'retinanet-ops';
import { mismatch } from '../support/compare.js';
import { random, uniform } from '../support/random.js';
import { calls, operation, withOptions } from './driver/calls.js';
import { cases, losses } from './driver/cases.js';
import { at, digest, put } from './driver/trees.js';

interface ValueAndGrad {
  loss: number | Float32Array;
  grad: Float32Array;
}

const STEP = 2 ** -20;
const differences = (above: ArrayLike<number>, below: ArrayLike<number>) =>
  Array.from(above, (value, i) => (value - below[i]!) / (2 * STEP));

for (const { loss, cases: forms } of losses) {
  const [value, backward, both] = forms.map(({ name }) => operation(sync, name));

  test(`${loss.name}: the three forms have the same bits`, (t) => {
    for (const { title, args } of calls(forms[0])) {
      const got = both!(...args) as ValueAndGrad;
      t.is(digest(got.loss), digest(value!(...args)), title);
      t.is(digest(got.grad), digest(backward!(...args)), title);
    }
  });

  test(`${loss.name}: the gradient is the slope of the reference`, (t) => {
    for (const { title, args } of calls({ ...forms[0], variants: undefined })) {
      const [x, targets, options] = args as Parameters<typeof loss.reference>;
      const { grad } = both!(...args) as ValueAndGrad;
      // A row's loss is its own: every so manyth element is moved at once.
      const width = x.length / loss.reference(x, targets, options).value.length || 1;
      const moved = (k: number, step: number) => {
        const shifted = Float64Array.from(x, (v, i) => (i % width === k ? v + step : v));
        return loss.reference(shifted, targets, options, x).value;
      };
      for (let k = 0; k < width; k++) {
        const slopes = differences(moved(k, STEP), moved(k, -STEP));
        const column = grad.filter((_, i) => i % width === k);
        t.is(mismatch(column, slopes, { relative: 1e-4, absolute: 1e-7, ...loss.slopes }), null, title);
      }
    }
  });
}

for (const c of cases.filter(({ gradients }) => gradients !== undefined)) {
  const { of, by } = c.gradients!;
  const reference = (at: unknown[], moved: unknown[]) => c.gradients!.around?.(at, moved) ?? c.reference(...moved);

  test(`${c.name}: gradients are slopes of the reference along random directions`, (t) => {
    for (const { title, args } of calls(c, 12)) {
      const result = operation(sync, c.name)(...withOptions(args, { lossScale: 1 })) as Record<string, Float32Array>;
      for (const [name, path] of Object.entries(by)) {
        const x = at(args, path) as Float32Array;
        const direction = uniform(random(5), x.length, -1, 1);
        const moved = (step: number) => {
          const shifted = Float64Array.from(x, (v, i) => v + step * direction[i]!);
          return (reference(args, put(args, path, shifted)) as Record<string, number>)[of]!;
        };
        const [slope] = differences([moved(STEP)], [moved(-STEP)]);
        const terms = result[name]!.map((g, i) => g * direction[i]!);
        const size = terms.reduce((sum, term) => sum + Math.abs(term), 0);
        const sum = terms.reduce((all, term) => all + term, 0);
        t.is(mismatch([sum], [slope!], { relative: 1e-4, scale: [size] }), null, `${title}: ${name}`);
      }
    }
  });
}
