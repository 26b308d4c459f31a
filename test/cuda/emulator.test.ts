// The emulator finds what is wrong with a kernel, and only that.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';

const PROGRAM = 'build/test/emulator/retinanet_emulator_scenarios';
const emulated = process.platform === 'linux' ? test : test.skip;

function run(scenario: string, environment: NodeJS.ProcessEnv = {}) {
  const { stdout, stderr, status } = spawnSync(PROGRAM, [scenario], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { stdout: stdout.trim(), stderr: stderr.trim(), status };
}

emulated('the scenarios are built', (t) => {
  t.true(existsSync(PROGRAM));
});

emulated('shared memory, shuffles, votes and barriers work, whatever order threads run in', (t) => {
  for (const order of ['forward', 'reverse', 'shuffled']) {
    const environment = { RETINANET_OPS_EMULATOR_ORDER: order };
    // Sums of i % 7 over three blocks of 256.
    const sums = [0, 1, 2].map((block) => Array.from({ length: 256 }, (_, i) => (256 * block + i) % 7));
    const expected = sums.map((values) => values.reduce((sum, value) => sum + value, 0)).join(' ');
    t.is(run('sum', environment).stdout, `${expected} cudaSuccess`, order);
    t.is(run('votes', environment).stdout, '1 cudaSuccess', order);
  }
});

emulated('a race gives other results in another order', (t) => {
  const results = ['forward', 'reverse', 'shuffled'].map(
    (order) => run('race', { RETINANET_OPS_EMULATOR_ORDER: order }).stdout,
  );
  t.is(new Set(results).size, 3, results.join('; '));
});

emulated('threads that wait for others in vain fail the launch with the reason', (t) => {
  for (const [scenario, reason] of [
    ['different-barriers', /different __syncthreads: scenarios\.cc:\d+ and scenarios\.cc:\d+/],
    ['leaves-early', /left the kernel while others wait/],
    ['lane-missing', /lanes wait for others of their warp/],
  ] as const) {
    const { stdout, stderr } = run(scenario);
    t.is(stdout, 'cudaErrorLaunchFailure', scenario);
    t.regex(stderr, reason);
  }
});

emulated('work waits on its stream, graphs replay it', (t) => {
  t.is(run('lazy').stdout, '0 1 cudaSuccess');
  t.is(run('graph').stdout, '0 1 cudaSuccess');
});

emulated('half and bfloat16 convert there and back, ties to even', (t) => {
  t.is(run('halves').stdout, '1 cudaSuccess');
});

emulated('allocations and launches fail on demand', (t) => {
  t.regex(run('sum', { RETINANET_OPS_EMULATOR_FAIL: 'malloc:1' }).stdout, /^no memory/);
  t.regex(run('votes', { RETINANET_OPS_EMULATOR_FAIL: 'launch:1' }).stdout, /cudaErrorLaunchOutOfResources$/);
  t.regex(run('votes', { RETINANET_OPS_EMULATOR_FAIL: 'lost:1' }).stdout, /cudaErrorLaunchFailure$/);
});
