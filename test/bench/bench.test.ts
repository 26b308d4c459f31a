import test from 'ava';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';

interface Row {
  name: string;
  threads: number;
  unit: string;
  count: number;
  best: number;
  median: number;
  runs: number;
  ns: number;
  peers: unknown[];
}

function bench(...args: string[]) {
  return spawnSync(process.execPath, ['dist-dev/bench/main.js', ...args], { encoding: 'utf8', timeout: 120_000 });
}

test('a benchmark checks, times and writes what it found', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
  try {
    const file = join(folder, 'results.json');
    const only =
      'nms, 1000 |small call|(?<!depthwise )convolution 3x3, .* forward|depthwise convolution 3x3, 960, .* forward';
    const { status, stdout, stderr } = bench('--quick', '--no-peers', '--threads', '1', '--only', only, '--json', file);
    t.is(status, 0, stderr);
    t.true(stdout.includes(file));
    const report = JSON.parse(readFileSync(file, 'utf8')) as {
      date: string;
      machine: object;
      versions: object;
      rows: Row[];
    };
    t.false(Number.isNaN(Date.parse(report.date)));
    t.like(report.machine, { cores: cpus().length });
    t.like(report.versions, { node: process.versions.node });
    t.deepEqual(
      report.rows.map((row) => [row.name, row.threads, row.unit, row.count]),
      [
        ['small call, loss + gradient of 80 logits', 1, 'call', 1000],
        ['small call, loss + gradient of 1000 logits', 1, 'call', 1000],
        ['nms, 1000 boxes', 1, 'box', 1000],
        ['convolution 3x3, 32 to 32, 8 x 64x48, forward', 1, 'FLOP', 2 * 8 * 64 * 48 * 9 * 32 * 32],
        ['depthwise convolution 3x3, 960, 1 x 7x7, forward', 1, 'FLOP', 2 * 7 * 7 * 9 * 960],
      ],
    );
    for (const { name, best, median, runs, ns, count, peers } of report.rows) {
      t.true(best > 0 && median >= best && runs >= 3, name);
      t.is(ns, (best * 1e6) / count, name);
      t.deepEqual(peers, []);
      t.true(stdout.includes(name));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what it cannot do it says', (t) => {
  t.is(bench('--threads', '0').status, 1);
  t.regex(bench('--fast').stderr, /unknown option '--fast'/);
});
