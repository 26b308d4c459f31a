// The emulator finds what is wrong with a kernel, and only that.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';

const PROGRAM = 'build/test/emulator/retinanet_emulator_scenarios';
const emulated = process.platform === 'linux' ? test : test.skip;
const ORDERS = ['forward', 'reverse', 'shuffled', 'shuffled:7', 'interleaved', 'interleaved:7'];

function run(scenario: string, environment: NodeJS.ProcessEnv = {}, program = PROGRAM) {
  const { stdout, stderr, status } = spawnSync(program, [scenario], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  return { stdout: stdout.trim(), stderr: stderr.trim(), status };
}

const inOrder = (scenario: string, order: string) => run(scenario, { RETINANET_OPS_EMULATOR_ORDER: order }).stdout;

emulated('the scenarios are built', (t) => {
  for (const suffix of ['', '_asan', '_races']) t.true(existsSync(PROGRAM + suffix));
});

emulated('shared memory, shuffles, votes and barriers work, in whatever order blocks and threads run', (t) => {
  // Sums of i % 7 over three blocks of 256.
  const sums = [0, 1, 2].map((block) => Array.from({ length: 256 }, (_, i) => (256 * block + i) % 7));
  const expected = sums.map((values) => values.reduce((sum, value) => sum + value, 0)).join(' ');
  for (const order of ORDERS) {
    t.is(inOrder('sum', order), `${expected} cudaSuccess`, order);
    t.is(inOrder('votes', order), '1 cudaSuccess', order);
  }
});

emulated('a race gives other results in another order', (t) => {
  // Of one block; blocks that take turns run their threads shuffled.
  const results = ['forward', 'reverse', 'shuffled', 'shuffled:7'].map((order) => inOrder('race', order));
  t.is(new Set(results).size, 4, results.join('; '));
});

emulated('what blocks may expect of each other is right in every order', (t) => {
  for (const order of ORDERS)
    for (const scenario of ['last-block', 'last-block-together', 'chain-of-tickets'])
      t.is(inOrder(scenario, order), '1 cudaSuccess', `${scenario}, ${order}`);
});

emulated('a kernel that relies on the order of blocks is found out', (t) => {
  // Right where blocks run by their numbers, one after the other.
  for (const scenario of ['highest-block', 'chain-of-numbers', 'look-then-take'])
    t.is(inOrder(scenario, 'forward'), '1 cudaSuccess', scenario);
  for (const order of ['reverse', 'shuffled', 'interleaved']) {
    t.is(inOrder('highest-block', order), '0 cudaSuccess', order);
    const waits = run('chain-of-numbers', { RETINANET_OPS_EMULATOR_ORDER: order });
    t.is(waits.stdout, 'cudaErrorLaunchFailure', order);
    t.regex(waits.stderr, /a thread waits in a loop for what never comes \(block \d+, thread 0\)/);
  }
  // Right wherever a block has the device for itself.
  t.is(inOrder('look-then-take', 'shuffled'), '1 cudaSuccess');
  t.is(inOrder('look-then-take', 'interleaved'), '0 cudaSuccess');
});

const at = String.raw`at divergence\.cc:\d+`;
const [barrier, shuffle] = [`__syncthreads ${at}`, `__shfl_xor_sync ${at}`];
const DIVERGENCE = {
  'different-barriers': `different barriers: ${barrier} and ${barrier}`,
  'different-barriers-of-a-line': `different barriers: (${barrier} and __syncthreads_or|__syncthreads_or ${at} and ${barrier})`,
  'leaves-early': `left the kernel while others wait in ${barrier}`,
  'lane-missing': `warp 0 wait in __ballot_sync ${at} for others .* never come: lane 5 has left the kernel`,
  'lane-elsewhere': `some threads wait in ${barrier}, others in __syncwarp ${at} for lanes of their warp`,
  'different-shuffles': `different collectives: ${shuffle} and ${shuffle}`,
  'different-kinds': `different collectives: (${shuffle} and __ballot_sync|__ballot_sync ${at} and ${shuffle})`,
  'different-masks': `different masks: in __syncwarp ${at} and __syncwarp ${at}`,
  'not-of-the-mask': `a lane takes part in a collective of others: __syncwarp ${at}`,
  'waits-for-ever': 'waits in a loop for what never comes',
};

emulated('threads that wait for others in vain fail the launch with the reason', (t) => {
  for (const [scenario, reason] of Object.entries(DIVERGENCE)) {
    for (const order of ORDERS) {
      const { stdout, stderr } = run(scenario, { RETINANET_OPS_EMULATOR_ORDER: order });
      t.is(stdout, 'cudaErrorLaunchFailure', scenario);
      t.regex(stderr, new RegExp(reason), `${scenario}, ${order}`);
      const [first, second] = stderr.match(/__\w+ at [\w.:]+/g) ?? [];
      if (scenario.startsWith('different-') && scenario !== 'different-masks') t.not(first, second, stderr);
    }
  }
});

emulated('lanes of two masks do not wait for each other; what a lane outside has is garbage', (t) => {
  t.is(run('halves-of-a-warp').stdout, 'cudaSuccess');
  t.is(run('beyond-the-mask').stdout, 'cudaSuccess');
});

/** Kernels that the build which compares accesses finds nothing in, and those in which it does: which two accesses. */
const ORDERED = [
  ...['sum', 'votes', 'neighbours', 'global-memory', 'lanes', 'counter', 'bytes', 'launches', 'own-stack'],
  ...['last-block', 'last-block-together', 'chain-of-tickets', 'volatile-chain', 'look-then-take'],
];
const RACES = {
  'read-too-early': ['read', 'write'],
  'written-too-early': ['read', 'write'],
  'global-memory-race': ['read', 'write'],
  'shuffle-only': ['read', 'write'],
  'other-warp': ['read', 'write'],
  'counter-read-too-early': ['atomic operation', 'read'],
  'overlapping-vector': ['write', 'write'],
  'last-block-without-fences': ['read', 'write'],
  'last-block-fence-before': ['read', 'write'],
  'last-block-fence-after': ['read', 'write'],
  'last-block-fence-of-block': ['read', 'write'],
  'highest-block': ['read', 'write'],
  'plain-add': ['read', 'write'],
  'same-value': ['write', 'write'],
};

emulated(
  'accesses that nothing orders are reported with both their lines, in every order; ordered ones are not',
  (t) => {
    for (const order of ORDERS) {
      const environment = { RETINANET_OPS_EMULATOR_ORDER: order };
      for (const scenario of ORDERED) {
        const { stdout, stderr } = run(scenario, environment, `${PROGRAM}_races`);
        t.regex(stdout, /cudaSuccess$/, `${scenario}, ${order}: ${stderr}`);
      }
      for (const [scenario, kinds] of Object.entries(RACES)) {
        const { stdout, stderr } = run(scenario, environment, `${PROGRAM}_races`);
        t.regex(stdout, /cudaErrorLaunchFailure$/, `${scenario}, ${order}`);
        const found = /an? (.*) races with an? (.*) of block \d+, thread \d+ \(block \d+, thread \d+\): (.*)/.exec(
          stderr,
        );
        t.deepEqual([found?.[1], found?.[2]].sort(), kinds, `${scenario}, ${order}: ${stderr}`);
        t.regex(found?.[3] ?? '', /^(blocks|races)\.cc:\d+.* and (blocks|races)\.cc:\d+/);
      }
    }
  },
);

emulated('AddressSanitizer watches device memory', (t) => {
  const { status, stderr } = run('out-of-bounds', {}, `${PROGRAM}_asan`);
  t.not(status, 0);
  t.regex(stderr, /heap-buffer-overflow[^]*OutOfBounds/);
});

emulated('work waits on its stream, graphs replay it', (t) => {
  t.is(run('lazy').stdout, '0 1 cudaSuccess');
  t.is(run('graph').stdout, '0 1 cudaSuccess');
});

/** What the call returns, and the end of the capture. */
const kept = 'graph cudaSuccess';
const lost = 'none cudaErrorStreamCaptureInvalidated';
const CAPTURE = {
  nothing: `cudaSuccess ${kept}`,
  record: `cudaSuccess ${kept}`,
  'wait-inside': `cudaSuccess ${kept}`,
  'memory-info': `cudaSuccess ${kept}`,
  'synchronize-other': `cudaSuccess ${kept}`,
  thread: `cudaSuccess ${kept}`,
  'relaxed-thread': `cudaSuccess ${kept}`,
  'begin-again': `cudaErrorIllegalState ${kept}`,
  'legacy-stream': `cudaErrorStreamCaptureInvalidated cudaErrorStreamCaptureImplicit ${kept}`,
  synchronize: `cudaErrorStreamCaptureUnsupported ${lost}`,
  'synchronize-device': `cudaErrorStreamCaptureUnsupported ${lost}`,
  malloc: `cudaErrorStreamCaptureUnsupported ${lost}`,
  free: `cudaErrorStreamCaptureUnsupported ${lost}`,
  pin: `cudaErrorStreamCaptureUnsupported ${lost}`,
  copy: `cudaErrorStreamCaptureUnsupported ${lost}`,
  query: `cudaErrorStreamCaptureUnsupported ${lost}`,
  'global-thread': `cudaErrorStreamCaptureUnsupported ${lost}`,
  'query-captured': `cudaErrorCapturedEvent ${lost}`,
  'synchronize-captured': `cudaErrorCapturedEvent ${lost}`,
  'wait-outside': `cudaErrorStreamCaptureIsolation ${lost}`,
  'end-elsewhere': `cudaErrorStreamCaptureWrongThread ${lost}`,
  'after-fault': `cudaErrorStreamCaptureInvalidated ${lost}`,
};

emulated('what stream capture forbids is refused and ends the capture; the rest is not', (t) => {
  for (const [scenario, expected] of Object.entries(CAPTURE))
    t.is(run(`capture-${scenario}`).stdout, expected, scenario);
});

emulated('a chain that cannot be captured is queued one by one, every time', (t) => {
  // How often the host queued it in five calls, how often the device did it.
  t.is(run('graphs-recorded').stdout, '2 5 cudaSuccess');
  t.is(run('graphs-refused').stdout, '6 5 cudaSuccess');
  t.is(run('graphs-refused-in-silence').stdout, '6 5 cudaSuccess');
});

emulated('half and bfloat16 convert there and back, ties to even', (t) => {
  t.is(run('halves').stdout, '1 cudaSuccess');
});

emulated('approximate instructions miss by as much as is wanted', (t) => {
  // Of 1023 reciprocals, then powers: above and below by more than rounding takes, beyond what hardware may miss.
  const approximate = (ulp: string) => {
    const { stdout } = run('approximate', { RETINANET_OPS_EMULATOR_ULP: ulp });
    const [above = NaN, below = NaN, beyond, ...powers] = stdout.split(' ').slice(0, 6).map(Number);
    t.is(beyond, 0, ulp);
    return { above, below, powers };
  };
  t.deepEqual(approximate('0'), { above: 0, below: 0, powers: [0, 0, 0] });
  const [up, down, random] = [approximate('+1'), approximate('-1'), approximate('random')];
  // A reciprocal that rounding has put on the wanted side stays.
  t.true(up.above > 450 && up.below === 0 && down.below > 450 && down.above === 0, JSON.stringify([up, down]));
  t.deepEqual([up.powers, down.powers], [[1023, 0, 0], [0, 1023, 0]]); // prettier-ignore
  t.true(random.above > 120 && random.below > 120 && random.above + random.below < 450, JSON.stringify(random));
});

emulated('allocations and launches fail on demand', (t) => {
  t.regex(run('sum', { RETINANET_OPS_EMULATOR_FAIL: 'malloc:1' }).stdout, /^no memory/);
  t.regex(run('votes', { RETINANET_OPS_EMULATOR_FAIL: 'launch:1' }).stdout, /cudaErrorLaunchOutOfResources$/);
  t.regex(run('votes', { RETINANET_OPS_EMULATOR_FAIL: 'lost:1' }).stdout, /cudaErrorLaunchFailure$/);
});

emulated("hard negatives' product of ratio and count is exact up to 2^31 rows", (t) => {
  t.regex(run('products').stdout, /^\d{7,} products, 0 wrong/);
});
