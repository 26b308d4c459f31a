import { built, emulated, onDevice, onDeviceEach, runCuda } from './support.js';

onDeviceEach({
  tensors: {
    'other-copy': 'tensors of another copy of the package are refused with a message that says so',
    overlaps: 'a tensor may be written in place where docs say so, and nowhere else',
    classes: 'the shape of tensors tells the number of classes',
    data: 'elements come back as they went, of every dtype and shape',
    halves: 'float16 and bfloat16 round to nearest, ties to even, over their whole range',
    copies: 'copyFrom takes arrays and tensors, and refuses what does not fit',
    refusals: 'cuda.tensor refuses what it cannot make',
  },
  'tensors-memory': {
    memory: 'cuda.memory counts, dispose is idempotent, a disposed tensor is refused everywhere',
    'dispose-under-way': 'data() under way outlives its tensor',
    pinned: 'pinned arrays are counted, and copied from at once',
    staging: 'arrays larger than the pinned buffers pass through them in pieces',
    workers: 'worker threads have tensors of their own, which end with them',
    'exit-under-way': 'a process may end with reads under way',
  },
});

onDevice('garbage collection gives back what was not disposed of', (t) => {
  t.regex(runCuda('tensors-memory', ['collected'], {}, ['--expose-gc']), /done$/);
});

emulated('where a runtime forbids arrays over memory not its own, pinned arrays are plain ones', (t) => {
  t.regex(runCuda('tensors-memory', ['plain'], { LD_AUDIT: built('retinanet_no_external_buffers.so') }), /done$/);
});
