// The same bits wherever arrays lie, for every number of threads, and into arrays of the caller's.
import test from 'ava';
import { setNumThreads } from 'retinanet-ops';
import * as sync from 'retinanet-ops';
import { foreign, offset, shared } from '../support/arrays.js';
import { calls, largeCall, operation, outputOf, outputsOf, wrongOutput } from './driver/calls.js';
import { cases } from './driver/cases.js';
import { digest, put, replacedArrays } from './driver/trees.js';

for (const c of cases) {
  const call = operation(sync, c.name);

  test(`${c.name}: shared memory, views into larger buffers, arrays of another realm`, (t) => {
    for (const { title, args } of calls(c, c.rows.edges.length)) {
      const want = digest(call(...args));
      for (const place of [shared, offset, foreign]) {
        const moved = replacedArrays(args, place) as unknown[];
        t.is(digest(call(...moved)), want, `${title}, ${place.name}`);
        for (const { path, make } of outputsOf(c, args)) {
          const out = place(make());
          const result = call(...put(moved, path, out));
          t.is(outputOf(result, path), out, `${title}, ${place.name}: ${path}`);
          t.is(digest(result), want, `${title}, ${place.name}: ${path}`);
        }
      }
    }
  });

  test(`${c.name}: results in arrays of the caller's, and in place`, (t) => {
    for (const { title, args } of calls(c, 2 * c.rows.edges.length)) t.is(wrongOutput(c, args), null, title);
    const { title, args } = largeCall(c);
    t.is(wrongOutput(c, args), null, title);
  });

  test.serial(`${c.name}: the same bits for every number of threads`, (t) => {
    for (const seed of [1, 2]) {
      const { title, args } = largeCall(c, seed);
      const seen = [1, 2, 3, 7].map((threads) => {
        setNumThreads(threads);
        return digest(call(...args));
      });
      setNumThreads(0);
      t.is(new Set(seen).size, 1, title);
    }
  });
}
