// The tests beside this one, on every instruction set that this processor has but the best, which they run on by themselves.
import { backendInfo } from 'retinanet-ops';
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = dirname(fileURLToPath(import.meta.url));
const ava = join(root, 'node_modules/ava/entrypoints/cli.mjs');

const known = process.arch === 'x64' ? ['baseline', 'avx2', 'avx512'] : ['neon'];
const lesser = known.slice(0, Math.max(0, known.indexOf(backendInfo().cpu.instructionSet ?? '')));
/** Not about kernels, or on every set by themselves. */
const OTHERS = ['instruction-sets', 'core-suite', 'memory', 'past-4-gib', 'convolutions'].map(
  (name) => `${name}.test.js`,
);

test('the best instruction set is known', (t) => {
  t.true(known.includes(backendInfo().cpu.instructionSet ?? ''));
});

for (const name of lesser) {
  test.serial(`kernels are float64's on ${name}`, (t) => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.test.js') && !OTHERS.includes(file));
    t.true(files.length >= 5);
    const paths = files.map((file) => relative(root, join(folder, file)));
    const { status, stdout } = spawnSync(process.execPath, [ava, ...paths], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, RETINANET_OPS_CPU: name },
    });
    t.is(status, 0, stdout.slice(-3000));
  });
}
