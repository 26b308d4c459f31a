import { emulated, runCuda } from './support.js';

emulated('an allocation that fails is ERR_OUT_OF_MEMORY, leaks nothing and spoils nothing', (t) => {
  t.regex(runCuda('faults', ['malloc']), /done$/);
});

emulated('a launch that fails is ERR_BACKEND, and the next one works', (t) => {
  t.regex(runCuda('faults', ['launch']), /done$/);
});

emulated('a lost device is ERR_BACKEND from then on; the CPU goes on', (t) => {
  t.regex(runCuda('faults', ['lost']), /done$/);
});
