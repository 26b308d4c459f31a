import test from 'ava';
import { runScript } from '../support/child.js';

// Every scenario in a process of its own: a crash is then an exit signal, not the end of the test runner.
const scenarios = {
  together: 'four workers compute at once and agree with the main thread',
  shared: 'workers write parts of one shared output from one shared input',
  reload: 'the addon loads again after every worker that used it is gone',
  'terminate-sync': 'workers are terminated in a loop of synchronous calls',
  'terminate-promises': 'workers are terminated with promised calls in flight',
  'exit-promises': 'workers call process.exit and throw with promised calls in flight',
  'racing-writes': 'shared inputs and outputs change during the call: garbage in, garbage out, no crash',
  'main-exits': 'the process ends while workers compute',
};

// V8's compiler thread may still be compiling for a worker that is terminated, and then asks Node.js for a platform that has
// forgotten it, which aborts the process (seen on Node.js 20): here functions are compiled on the thread that runs them.
const NODE_ARGS = ['--no-concurrent-recompilation'];

for (const [name, title] of Object.entries(scenarios)) {
  test(title, (t) => {
    const { status, signal, stdout, stderr } = runScript('worker-scenarios.js', [name], {}, NODE_ARGS);
    t.deepEqual({ status, signal }, { status: name === 'main-exits' ? 7 : 0, signal: null }, stderr);
    t.regex(stdout, /done/);
  });
}
