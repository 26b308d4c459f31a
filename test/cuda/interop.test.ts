// Tensors that share memory, among themselves and with others in the process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { emulated, onDevice, onDeviceEach, onGpu, runCuda } from './support.js';

function run(t: ExecutionContext, script: string, scenario: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-trace-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const environment = onGpu ? {} : { RETINANET_OPS_EMULATOR_TRACE: join(folder, 'trace') };
  t.regex(runCuda(script, [scenario], environment), /done$/);
}

onDeviceEach(
  {
    interop: {
      views: 'subarray and reshape are views of the same memory',
      lifetime: 'a view keeps its memory alive, and is disposed of by itself',
      overlaps: 'an output over part of an operand is refused, whatever it is called',
    },
    'interop-wrap': {
      wrap: 'a wrapped pointer is a tensor, and its owner is told once it is free again',
      'wrap-in-a-worker': 'wrapped memory of a worker thread that ends',
    },
    'interop-refusals': {
      refusals: 'wrap, waitFor, record and stream refuse what they cannot take',
    },
  },
  run,
);

// Of two devices.
emulated('copies between devices come in the order of both', (t) => {
  run(t, 'interop', 'devices');
});
emulated('work waits for events and streams of others', (t) => {
  run(t, 'interop', 'streams');
});

onDevice('wrapped memory that is garbage collected, or disposed of under a promise', (t) => {
  t.regex(runCuda('interop-wrap', ['wrap-collected'], {}, ['--expose-gc']), /done$/);
});
