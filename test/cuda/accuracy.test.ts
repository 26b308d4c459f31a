// Accuracy on any GPU: the last bit of an approximate reciprocal is the hardware's choice, and the emulator makes every one.
import type { ExecutionContext } from 'ava';
import { library, onDevice, onGpu } from './support.js';
import { runScript } from '../support/child.js';

const ON_CUDA = ['--import', new URL('../../../test/emulator/use-cuda.mjs', import.meta.url).href];

/** What the scripts print: the first the worst that it saw, the second what is beyond its bounds. */
interface Result {
  active: string;
  relative: number;
  where: string;
  sumError: number;
  calls: number;
  wrong: string[];
}

/** Runs a script of test/support whose calls on typed arrays go to the emulated plugin. */
function sweep(t: ExecutionContext, script: string, args: string[], ulp: string): Result {
  const environment = { RETINANET_OPS_CUDA_LIBRARY: library, RETINANET_OPS_EMULATOR_ULP: ulp };
  const { status, stdout, stderr } = runScript(script, args, environment, ON_CUDA);
  t.is(status, 0, stderr);
  const result = JSON.parse(stdout) as Result;
  t.is(result.active, 'cuda');
  return result;
}

for (const ulp of onGpu ? ['what it may be'] : ['0', '+1', '-1', 'random']) {
  onDevice(`focal loss and gradient keep to float64 at every exponent: a reciprocal off by ${ulp}`, (t) => {
    const result = sweep(t, 'sweep-focal-loss.js', ['1000'], ulp);
    t.log(`at most ${result.relative.toExponential(2)} off: ${result.where}; sums ${result.sumError.toExponential(1)}`);
    t.true(result.relative <= 1e-6, result.where);
    t.true(result.sumError <= 1e-7);
  });

  onDevice(`focal loss and gradient far from what training sees: a reciprocal off by ${ulp}`, (t) => {
    const result = sweep(t, 'sweep-focal-extremes.js', ['500'], ulp);
    t.is(result.calls, 500);
    t.deepEqual(result.wrong, []);
  });
}
