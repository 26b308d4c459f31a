// Worker threads inherit the flags that Node.js was started with; none of them may stop the training.
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { TRAIN, TRAINED } from '../support/programs.js';

function trained(args: string[], options: { input?: string; NODE_OPTIONS?: string } = {}): [string, string] {
  const env = { ...process.env, NODE_OPTIONS: options.NODE_OPTIONS ?? '' };
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', input: options.input ?? '', env });
  return [stdout, stderr];
}
const COMMON_JS = `(async () => { ${TRAIN.replace(/import (.*) from (.*);/, 'const $1 = require($2);')} })();`;

const starts: Record<string, () => [string, string]> = {
  '-e as a module': () => trained(['--input-type=module', '-e', TRAIN]),
  '-e as CommonJS': () => trained(['--no-warnings', '-e', COMMON_JS]),
  'standard input': () => trained(['--input-type=module'], { input: TRAIN }),
  'standard input under the permission model': () => {
    const model = process.versions.node.startsWith('20.') ? '--experimental-permission' : '--permission';
    const allowed = [`--allow-fs-read=${process.cwd()}`, '--allow-addons', '--allow-worker'];
    return trained(['--input-type=module', model, ...allowed], { input: TRAIN });
  },
  'the input type in NODE_OPTIONS': () => trained(['-e', TRAIN], { NODE_OPTIONS: '--input-type=module' }),
  'flags of V8, an inspector, a preloaded module': () =>
    trained(['--import=data:text/javascript,0', '--inspect=127.0.0.1:0', '--input-type=module', '-e', TRAIN], {
      NODE_OPTIONS: '--max-old-space-size=2000',
    }),
};

for (const [name, start] of Object.entries(starts)) {
  test.serial(name, (t) => {
    const [stdout, stderr] = start();
    t.regex(stdout, TRAINED, stderr);
  });
}

test.serial('a thread that cannot start is told, even where rejections are not', (t) => {
  const spoil = `import { isMainThread } from 'node:worker_threads'; if (!isMainThread) delete globalThis.WebAssembly;`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(spoil)}`;
  const program = TRAIN.replace(
    /augment: false }\)/,
    "augment: false, backend: 'wasm' }).catch(({ message }) => { console.log(message); process.exit(); })",
  );
  const [stdout, stderr] = trained([preload, '--unhandled-rejections=none', '--input-type=module', '-e', program]);
  t.regex(stdout, /^useWasmBackend: expected .* received one that does not start/, stderr);
});
