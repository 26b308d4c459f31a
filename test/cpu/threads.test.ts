import test from 'ava';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Binding } from '../../binding.js';
import { conv2d, setNumThreads } from 'retinanet-ops';
import { runScript } from '../support/child.js';
import { bits } from '../support/compare.js';
import { random, uniform } from '../support/random.js';

const internal = (await import(new URL('./runtime/native.js', import.meta.resolve('retinanet-ops')).href)) as {
  native: () => Binding;
};

/** What control groups grant where a system has these files. */
function coresGranted(files: Record<string, string>): number {
  const root = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return internal.native().cgroupCores(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const v2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const v1 = [
  '30 23 0:26 / /sys/fs/cgroup/memory rw shared:4 - cgroup cgroup rw,memory',
  '31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n',
].join('\n');

test('control groups of version 2: the least of the group and those around it', (t) => {
  const system = { 'proc/self/mountinfo': v2, 'proc/self/cgroup': '0::/outer.slice/job\n' };
  t.is(coresGranted(system), 0);
  t.is(coresGranted({ ...system, 'sys/fs/cgroup/outer.slice/job/cpu.max': 'max 100000\n' }), 0);
  const job = { ...system, 'sys/fs/cgroup/outer.slice/job/cpu.max': '150000 100000\n' };
  t.is(coresGranted(job), 1.5);
  t.is(coresGranted({ ...job, 'sys/fs/cgroup/outer.slice/cpu.max': '50000 100000\n' }), 0.5);
  t.is(coresGranted({ ...job, 'sys/fs/cgroup/outer.slice/cpu.max': '400000 100000\n' }), 1.5);
  // A container sees its own group as the root of the mount.
  t.is(coresGranted({ ...system, 'sys/fs/cgroup/cpu.max': '300000 100000\n' }), 3);
});

test('control groups of version 1: the hierarchy of the cpu controller', (t) => {
  const system = {
    'proc/self/mountinfo': v1,
    'proc/self/cgroup': '5:memory:/elsewhere\n4:cpu,cpuacct:/docker/abc\n0::/ignored\n',
  };
  const at = (folder: string, quota: number) => ({
    [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_quota_us`]: `${quota}\n`,
    [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_period_us`]: '100000\n',
  });
  t.is(coresGranted(system), 0);
  t.is(coresGranted({ ...system, ...at('/docker/abc', -1) }), 0);
  t.is(coresGranted({ ...system, ...at('/docker/abc', 200_000) }), 2);
  t.is(coresGranted({ ...system, ...at('/docker/abc', 200_000), ...at('', 100_000) }), 1);
  // Only the container's own part of the hierarchy is mounted.
  const mountinfo = v1.replace('0:27 / ', '0:27 /docker/abc ');
  t.is(coresGranted({ ...system, 'proc/self/mountinfo': mountinfo, ...at('', 250_000) }), 2.5);
});

test('a system without control groups limits nothing', (t) => {
  t.is(coresGranted({}), 0);
  t.is(coresGranted({ 'proc/self/mountinfo': 'nonsense\n - \n', 'proc/self/cgroup': 'nonsense' }), 0);
});

interface Threads {
  /** Started by the small calls, by the large ones. */
  small: number;
  large: number;
  /** Threads that never slept while nothing was to do. */
  awake: number;
  /** Promised results that differ from the synchronous ones. */
  wrong: number;
}

const withTasks = process.platform === 'linux' ? test : test.skip;
withTasks('small calls start no thread, large ones do, and none is left awake', (t) => {
  const { status, stdout, stderr } = runScript('count-threads.js', []);
  t.is(status, 0, stderr);
  const { small, large, awake, wrong } = JSON.parse(stdout) as Threads;
  t.is(small, 0);
  t.is(large, 3);
  t.is(awake, 0);
  t.is(wrong, 0);
});

test('a job that was short the last time and is long now has the same bits, and so has one that is short again', (t) => {
  // Of each image one block: the pool takes the one for the other.
  const call = (sides: number, channels: number) => {
    const next = random(channels);
    const shape = { inputShape: [64, sides, sides, channels], filterShape: [1, 1, channels, channels] };
    const x = uniform(next, 64 * sides * sides * channels, -1, 1);
    const w = uniform(next, channels * channels, -1, 1);
    return () => bits(conv2d(x, w, shape));
  };
  const calls = [call(1, 4), call(4, 128)];
  setNumThreads(1);
  const alone = calls.map((run) => run());
  for (const threads of [2, 3, 8]) {
    setNumThreads(threads);
    for (const which of [0, 0, 0, 1, 0, 0, 1, 1, 0]) t.deepEqual(calls[which]!(), alone[which]);
  }
  setNumThreads(0);
});
