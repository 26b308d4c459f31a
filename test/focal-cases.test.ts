import test from 'ava';
import { sigmoidFocalLoss, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { focalLossReference } from './reference/focal-loss.js';
import { asNumber, mismatch } from './support/compare.js';
import { focalCases, focalInputs } from './support/focal-cases.js';

for (const which of focalCases) {
  test(`${which.name}: value, gradient and finite differences`, (t) => {
    const { logits, targets, options } = focalInputs(which, 300, 7, 3);
    const want = focalLossReference(logits, targets, options);
    const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, targets, options);
    t.is(mismatch([asNumber(loss)], [want.sum], { relative: 1e-6 }), null);
    t.is(asNumber(sigmoidFocalLoss(logits, targets, options)), asNumber(loss));
    t.is(mismatch(grad, want.grad, { relative: 1e-6 }), null);
    // Central differences of the float64 reference: the step is exact in float32.
    const step = 2 ** -10;
    const at = (shift: number) =>
      focalLossReference(
        logits.map((x) => x + shift),
        targets,
        options,
      );
    const [above, below] = [at(step), at(-step)];
    const slopes = above.value.map((value, i) => (value - below.value[i]!) / (2 * step));
    t.is(mismatch(grad, slopes, { relative: 1e-3, absolute: 3e-7 }), null);
  });
}
