// 3 x 3 filters on every instruction set: where Winograd's F(2x2, 3x3) computes them, and what that changes.
import test from 'ava';
import type { WinogradResult } from '../support/check-winograd.js';
import { runScript } from '../support/child.js';
import { instructionSets } from '../support/instruction-sets.js';

/** The outputs that read the input at 4,5 through a filter of 3 x 3. */
const READERS = [3, 4, 5].flatMap((row) => [4, 5, 6].map((column) => `${row},${column}`));

for (const name of instructionSets) {
  test(`convolutions of 3 x 3, of few channels and many: ${name}`, (t) => {
    const { status, stdout, stderr } = runScript('check-winograd.js', [], { RETINANET_OPS_CPU: name });
    t.is(status, 0, stderr);
    const result = JSON.parse(stdout) as WinogradResult;
    t.is(result.instructionSet, name);
    for (const { way, title, error, dependsOnThreads, infinityBecomesNaN } of result.checked) {
      t.is(infinityBecomesNaN ? 'winograd' : 'direct', way, title);
      // Of the result's norm. Direct sums of 9 x 64 products err 4e-7.
      t.true(error <= 2e-6, `${title}: ${error}`);
      t.false(dependsOnThreads, title);
    }
    t.log(`largest error ${Math.max(...result.checked.map(({ error }) => error)).toExponential(1)}`);
    t.false(result.dependsOnBatch);
    for (const { ofNaN, ofInfinity } of result.notFinite) {
      t.deepEqual(ofNaN, { some: READERS, allNaN: READERS });
      t.deepEqual(ofInfinity.some, READERS);
    }
  });
}
