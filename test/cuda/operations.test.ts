import { onDeviceEach } from './support.js';

onDeviceEach({
  operations: {
    same: 'every operation on tensors, synchronous and promised, equals the call on typed arrays to the bit, on every device',
    shifted: 'tensors need no more alignment than their elements',
    cpu: 'setBackend does not concern tensors',
    outputs: 'shapes and dtypes of results, and out',
    memory: 'a call leaves no memory behind but its results',
  },
  'operations-losses': {
    divisor: 'a scalar on the device divides the losses of retinanetLoss',
    'loss-scale': 'lossScale saves gradients that float16 would lose',
    'ground-truth': 'ground truth may lie on the host while the rest is on a device',
    halves: 'float16 and bfloat16 logits give gradients of their type',
  },
  'operations-bad-input': {
    mixing: 'mixed memory, wrong dtypes and disposed tensors are refused by the name of the argument',
    'not-finite': 'NaN on a device gives NaN, and never a box, a detection or a hard example',
    garbage: 'unchecked values on a device crash nothing',
  },
});
