import test from 'ava';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { built } from '../cuda/support.js';
import { runScript } from '../support/child.js';

const script = fileURLToPath(new URL('../support/measure-memory.js', import.meta.url));

/** Bytes by which an operation raised the peak of resident memory, in a process of its own. */
function growth(what: string, a: number, b: number): number {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, what, String(a), String(b)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

const MiB = 2 ** 20;

test('assignment needs memory by anchors and boxes, not by their product', (t) => {
  const [anchors, boxes] = [2_000_000, 400]; // a matrix of overlaps: 3.2 GB
  for (const what of ['assign', 'assignGrid']) {
    const bytes = growth(what, anchors, boxes);
    t.log(`${what}: ${(bytes / anchors).toFixed(1)} bytes an anchor, 8 of them outputs`);
    t.true(bytes < 24 * anchors + 4 * MiB);
  }
});

test('the focal loss builds no one-hot matrix', (t) => {
  const [anchors, classes] = [1_000_000, 40]; // logits and a one-hot matrix: 160 MB each
  for (const what of ['focal', 'focalInPlace']) {
    const bytes = growth(what, anchors, classes);
    t.log(`${what}: ${(bytes / MiB).toFixed(1)} MiB`);
    t.true(bytes < 24 * MiB);
  }
});

test('the whole loss needs memory by anchors and boxes alone', (t) => {
  const [anchors, boxes] = [3_000_000, 300]; // so many that 16 bytes an anchor stand out: 46 MiB
  const bytes = growth('loss', anchors, boxes);
  t.log(`${(bytes / anchors).toFixed(1)} bytes an anchor beside inputs and gradients`);
  t.true(bytes <= 16 * anchors + 4 * MiB);
});

interface Recycled {
  growth: number;
  limit: number;
  kept: number;
  wrong: number;
  transfers: boolean;
}

/** What support/recycle.ts prints. */
function recycle(args: string[], env: NodeJS.ProcessEnv = {}, nodeArgs: string[] = []): Recycled {
  const { status, stdout, stderr } = runScript('recycle.js', args, env, nodeArgs);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Recycled;
}

const onLinux = process.platform === 'linux' ? test : test.skip;

// What V8 lets pile up before it collects, several times over, for machines on which its threads wait for a core.
for (const [megabytes, calls, most] of [
  [6.4, 300, 640 * MiB],
  [64, 60, 1024 * MiB],
] as const) {
  for (const mode of ['sync', 'await']) {
    onLinux(`gradients of ${megabytes} MB that nobody holds, ${mode}: memory is bounded`, (t) => {
      const { growth, limit, kept, wrong, transfers } = recycle([mode, String(megabytes), String(calls)]);
      t.log(`resident memory grew by ${(growth / MiB).toFixed(0)} MiB, up to ${(kept / MiB).toFixed(0)} MiB were kept`);
      t.true(kept > 0 && kept <= limit);
      t.true(growth < most);
      t.deepEqual({ wrong, transfers }, { wrong: 0, transfers: true });
    });
  }
}

onLinux('the environment bounds what is kept', (t) => {
  const bounded = recycle(['sync', '6.4', '60'], { RETINANET_OPS_RECYCLED_MIB: '20.5' });
  t.is(bounded.limit, 20.5 * MiB);
  t.true(bounded.kept > 0 && bounded.kept <= bounded.limit);
  const { status, stderr } = runScript('recycle.js', ['sync', '1', '1'], { RETINANET_OPS_RECYCLED_MIB: 'much' });
  t.not(status, 0);
  t.regex(stderr, /ERR_OPTION/);
  t.regex(stderr, /expected a number of MiB from 0 for RETINANET_OPS_RECYCLED_MIB, received 'much'/);
});

const pretend = (versions: object): string[] => [
  '--import',
  `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,...${JSON.stringify(versions)}}})`,
];

for (const [where, env, nodeArgs] of [
  ['where the environment switches it off', { RETINANET_OPS_RECYCLED_MIB: '0' }, []],
  ['where buffers over foreign memory are forbidden', { LD_AUDIT: built('retinanet_no_external_buffers.so') }, []],
  ['where V8 has other names', { LD_AUDIT: built('retinanet_no_backing_stores.so') }, []],
  ['in a Node.js that is newer than the tests', {}, pretend({ node: '99.0.0' })],
  ['in Electron', {}, pretend({ electron: '40.0.0' })],
] as const) {
  onLinux(`${where}, nothing is recycled and all else is the same`, (t) => {
    const { limit, kept, wrong, transfers } = recycle(['await', '6.4', '20'], env, [...nodeArgs]);
    t.deepEqual({ limit, kept, wrong, transfers }, { limit: 0, kept: 0, wrong: 0, transfers: true });
  });
}
