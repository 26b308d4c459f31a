// TensorFlow.js' own tests of what a backend computes, which its package ships, on the native backend.
import test from 'ava';
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

// One instance of tfjs-core for the tests, for its cpu backend and for ours: all in one bundle.
const ENTRY = `
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { useNativeBackend } from './dist/tfjs/index.js';
await useNativeBackend();
setTestEnvs([{ name: 'native', backendName: 'native', isDataSync: true }]);
await import('@tensorflow/tfjs-core/dist/tests');
`;

interface Outcome {
  specs: number;
  pending: number;
  failed: string[];
}

test('all tests of tfjs-core pass', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-core-suite-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const bundle = join(folder, 'bundle.mjs');
  await build({
    stdin: { contents: ENTRY, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    // The package says that its files have no side effects, which would leave all tests out.
    ignoreAnnotations: true,
    alias: { 'jasmine-core/lib/jasmine-core/jasmine.js': join(root, 'dist-dev/test/tfjs-backend/scripts/jasmine.cjs') },
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    outfile: bundle,
    logLevel: 'error',
  });
  const script = fileURLToPath(new URL('scripts/core-suite.js', import.meta.url));
  const addon = join(root, 'build/Release/retinanet_ops.node');
  const { stdout, stderr } = spawnSync(process.execPath, [script, bundle], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, RETINANET_OPS_ADDON: addon },
  });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  t.true(last.startsWith('{'), `${stderr}${stdout.slice(-2000)}`);
  const { specs, pending, failed } = JSON.parse(last) as Outcome;
  t.deepEqual(failed, []);
  const { version } = createRequire(import.meta.url)('@tensorflow/tfjs-core/package.json') as { version: string };
  t.log(`tfjs-core ${version}: ${String(specs)} specs, ${String(pending)} of them left out by themselves`);
  t.true(specs - pending > 4000);
});
