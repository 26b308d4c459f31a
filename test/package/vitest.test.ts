// The package as a dependency of a project that tests with vitest's vmThreads pool: every test file has a realm of its own, with
// its own Float32Array, Error and so on. Jest's vm modules are alike.
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import * as ops from 'retinanet-ops';
import * as tensors from 'retinanet-ops/tfjs';
import { operation } from '../operations/driver/calls.js';
import { cases, everywhere } from '../operations/driver/cases.js';
import { run } from '../support/consumer.js';

interface Calls {
  tensorCalls: (...args: unknown[]) => Record<string, () => unknown>;
  written: (result: unknown) => unknown;
}

const SPECS = resolve('test/support/vitest');

/** A project with the package in node_modules, as installed, and links to what else it needs. */
function project(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'retinanet-ops-vitest-')));
  cpSync(SPECS, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  const installed = join(folder, 'node_modules', 'retinanet-ops');
  mkdirSync(join(installed, 'build'), { recursive: true });
  for (const path of ['dist', 'package.json']) cpSync(path, join(installed, path), { recursive: true });
  symlinkSync(resolve('build', 'Release'), join(installed, 'build', 'Release'), 'junction');
  for (const name of ['vitest', '@tensorflow', 'node-gyp-build']) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link, 'junction');
  }
  return folder;
}

test('every operation under vmThreads, on arrays of three realms, and across a module reset', async (t) => {
  const { tensorCalls, written } = (await import(pathToFileURL(join(SPECS, 'calls.mjs')).href)) as Calls;
  await tf.setBackend('cpu');
  const calls = tensorCalls(
    tf,
    tensors,
    (...values: number[]) => Float32Array.from(values),
    (...values: number[]) => Int32Array.from(values),
  );
  const called = Object.keys(calls).join(' ');
  for (const { name } of everywhere) t.true(called.includes(name), name);
  const expected = {
    operations: cases.map((c) => {
      const { name } = c;
      const args = c.example();
      return { name, args: args.map(written), result: written(operation(ops, name)(...args)) };
    }),
    tensors: Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, written(call())])),
  };
  const folder = project();
  try {
    writeFileSync(join(folder, 'expected.json'), JSON.stringify(expected));
    const { status, stdout, stderr } = run(folder, process.execPath, ['node_modules/vitest/vitest.mjs', 'run']);
    t.is(status, 0, stdout + stderr);
    t.regex(stdout, /16 passed/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
