// CUDA beside others in the process: contexts, memory, waiting. What the emulated driver was asked to do is written to a file.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { emulated, onDeviceEach, onGpu, runCuda } from './support.js';

/** Runs a script with a trace; the trace. */
function traced(
  t: ExecutionContext,
  script: string,
  scenario: string,
  environment = {},
  nodeArgs: string[] = [],
): string {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-trace-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'trace');
  const trace = onGpu ? {} : { RETINANET_OPS_EMULATOR_TRACE: file };
  t.regex(runCuda(script, [scenario], { ...trace, ...environment }, nodeArgs), /done$/);
  return existsSync(file) ? readFileSync(file, 'utf8') : ''; // nothing was asked of the driver
}

onDeviceEach(
  {
    'neighbour-memory': {
      pool: 'memory comes from a pool of its own, which can be limited and trimmed',
      refusals: 'cuda.memory refuses what is no limit',
    },
    neighbour: {
      'reads-in-order': 'data() and synchronize() wait for what was queued before, and for no more',
      graphs: 'calls on arrays that are allocated anew replay one graph',
    },
  },
  traced,
);

emulated('dispose does not wait behind a running call', (t) => {
  traced(t, 'neighbour', 'dispose-beside-a-call');
});

emulated('garbage collection calls nothing of CUDA', (t) => {
  traced(t, 'neighbour', 'collected-beside-a-call', {}, ['--expose-gc']);
});

emulated('where a device has no pools, blocks are used again', (t) => {
  const environment = { RETINANET_OPS_EMULATOR_NO_POOLS: '1' };
  traced(t, 'neighbour-memory', 'blocks', environment);
  traced(t, 'operations', 'same', environment);
  traced(t, 'operations', 'memory', environment);
  traced(t, 'tensors-memory', 'memory', environment);
  traced(t, 'neighbour', 'reads-in-order', environment);
});

emulated('a context is made where work is, and nowhere else', (t) => {
  t.notRegex(traced(t, 'neighbour', 'contexts'), /^context 0$/m);
});

emulated("the caller's context stays current", (t) => {
  for (const current of ['', '1']) {
    traced(t, 'neighbour', 'current', current === '' ? {} : { RETINANET_OPS_EMULATOR_CURRENT: current });
  }
});

emulated('nobody spins: all waits sleep', (t) => {
  for (const [script, scenario] of [
    ['operations', 'same'],
    ['tensors-memory', 'staging'],
    ['tensors-memory', 'pinned'],
    ['neighbour', 'reads-in-order'],
  ] as const) {
    t.notRegex(traced(t, script, scenario), /does not sleep/, scenario);
  }
});

emulated('a wait asks for a short while before it sleeps', (t) => {
  for (const [script, scenario] of [
    ['neighbour', 'graphs'],
    ['neighbour-memory', 'pool'],
    ['tensors-memory', 'staging'],
  ] as const) {
    t.regex(traced(t, script, scenario), /^a wait that sleeps$/m);
    t.notRegex(traced(t, script, scenario, { RETINANET_OPS_EMULATOR_AT_ONCE: '1' }), /^a wait that/m);
  }
});
