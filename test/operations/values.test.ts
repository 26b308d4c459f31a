// Every operation beside its float64 reference.
import test from 'ava';
import * as sync from 'retinanet-ops';
import { calls, wrongResult } from './driver/calls.js';
import { cases } from './driver/cases.js';
import { digest } from './driver/trees.js';

/** What is no operation on arrays. */
const OTHERS = [
  'AnchorGrid',
  'RetinanetOpsError',
  'backendInfo',
  'cuda',
  'getBackend',
  'priorBias',
  'setBackend',
  'setNumThreads',
];

test('every public operation has a case in test/operations/cases', (t) => {
  t.deepEqual([...cases.map(({ name }) => name), ...OTHERS].sort(), Object.keys(sync).sort());
});

for (const c of cases) {
  test(`${c.name} is its reference, for every size`, (t) => {
    let count = 0;
    for (const { title, args } of calls(c)) {
      const before = digest(args);
      t.is(wrongResult(c, args), null, title);
      t.is(digest(args), before, `${title}: the arguments are left alone`);
      count++;
    }
    t.log(`${count} calls`);
  });
}
