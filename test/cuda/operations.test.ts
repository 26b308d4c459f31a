import { onDevice, runCuda } from './support.js';

const scenarios = {
  same: 'every operation on tensors, synchronous and promised, equals the call on typed arrays to the bit, on every device',
  shifted: 'tensors need no more alignment than their elements',
  divisor: 'a scalar on the device divides the losses of retinanetLoss',
  'loss-scale': 'lossScale saves gradients that float16 would lose',
  cpu: 'setBackend does not concern tensors',
  'ground-truth': 'ground truth may lie on the host while the rest is on a device',
  halves: 'float16 and bfloat16 logits give gradients of their type',
  outputs: 'shapes and dtypes of results, and out',
  memory: 'a call leaves no memory behind but its results',
  mixing: 'mixed memory, wrong dtypes and disposed tensors are refused by the name of the argument',
  'not-finite': 'NaN on a device gives NaN, and never a box, a detection or a hard example',
  garbage: 'unchecked values on a device crash nothing',
};

for (const [name, title] of Object.entries(scenarios)) {
  onDevice(title, (t) => {
    t.regex(runCuda('operations', [name]), /done$/);
  });
}
