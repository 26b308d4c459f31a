// Accuracy on any GPU: the last bit of an approximate reciprocal is the hardware's choice, and the emulator makes every one.
import { emulated, LIBRARY } from './support.js';
import { runScript } from '../support/child.js';

for (const ulp of ['0', '+1', '-1', 'random']) {
  emulated(`focal loss and gradient keep to float64 at every exponent: a reciprocal off by ${ulp}`, (t) => {
    const environment = { RETINANET_OPS_CUDA_LIBRARY: LIBRARY, RETINANET_OPS_EMULATOR_ULP: ulp };
    const { status, stdout, stderr } = runScript('sweep-focal-loss.js', ['cuda'], environment);
    t.is(status, 0, stderr);
    const { relative, where, sumError } = JSON.parse(stdout) as { relative: number; where: string; sumError: number };
    t.log(`at most ${relative.toExponential(2)} off: ${where}; sums ${sumError.toExponential(1)}`);
    t.true(relative <= 1e-6, where);
    t.true(sumError <= 1e-7);
  });
}
