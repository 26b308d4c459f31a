// What only tensors reach, logits of 16 bits and recorded graphs, on the build of the emulator that compares all accesses.
import { built, emulated, runCuda } from './support.js';

for (const [script, scenario] of [
  ['operations', 'same'],
  ['operations-losses', 'halves'],
  ['operations-losses', 'ground-truth'],
] as const) {
  emulated(`no kernel races: ${scenario}`, (t) => {
    const environment = {
      RETINANET_OPS_CUDA_LIBRARY: built('retinanet_ops_cuda_emulated_races.so'),
      RETINANET_OPS_EMULATOR_ORDER: 'interleaved',
      RETINANET_OPS_EMULATOR_ULP: '0',
      RETINANET_OPS_EMULATOR_DEVICES: '1', // a second one would run the same kernels
    };
    t.regex(runCuda(script, [scenario], environment), /done$/);
  });
}
