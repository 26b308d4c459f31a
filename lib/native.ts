// Finds and loads the native addon, once, on first use; says what to do where that fails.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Binding } from '../binding.js';
import { RetinanetOpsError } from './errors.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

let loaded: Binding | undefined;

/** The loaded addon. Throws ERR_NATIVE with a diagnosis where there is none for this platform. */
export function native(): Binding {
  loaded ??= load();
  return loaded;
}

function load(): Binding {
  try {
    const find = require('node-gyp-build') as (directory: string) => Binding;
    return find(root);
  } catch (cause) {
    throw new RetinanetOpsError('ERR_NATIVE', diagnosis(cause), { cause });
  }
}

function diagnosis(cause: unknown): string {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report.header?.glibcVersionRuntime;
  const libc = process.platform !== 'linux' ? '' : glibc ? `, glibc ${glibc}` : ', musl or another libc';
  return [
    `could not load the native addon for ${process.platform}-${process.arch}${libc}, Node ${process.versions.node}.`,
    `Cause: ${cause instanceof Error ? cause.message : String(cause)}`,
    `Looked in: ${join(root, 'build', 'Release')} and ${join(root, 'prebuilds')}.`,
    `With a C++17 compiler and CMake installed, run in ${root}: npm run build:native`,
  ].join('\n');
}
