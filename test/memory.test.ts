import test from 'ava';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./support/measure-memory.js', import.meta.url));

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
