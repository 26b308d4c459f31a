// What each folder of test/ is about, and so where its files run besides `npm test`. A new file joins by where it lies; a new folder
// has to be told of here.
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `variants`: on the binaries of scripts/test-variants.mjs, all of the folder's files or those named. `emulated`: on CUDA's kernels compiled for the host, or why not;
 * `kernels`: there once more under AddressSanitizer, and with every pair of accesses to memory compared. `gpu`: the files
 * that run on a GPU as well, where they take the plugin that is given.
 */
const FOLDERS = {
  operations: { variants: true, emulated: true, kernels: true },
  recycling: { variants: true, emulated: 'about the host memory of results' },
  arguments: { emulated: true },
  promises: { emulated: true },
  runtime: { emulated: true },
  tfjs: { emulated: true },
  bench: { emulated: 'times, and the emulator has none to show' },
  cpu: {
    variants: ['convolution', 'convolution-passes'],
    emulated: 'about the CPU: its instruction sets, threads and memory',
  },
  cuda: {
    emulated: 'chooses the library by itself',
    gpu: ['accuracy', 'interop', 'neighbour', 'operations', 'tensors'],
  },
  data: { emulated: 'about pictures and data sets' },
  weights: { emulated: 'about files of weights' },
  detection: { emulated: 'about pictures and files' },
  evaluation: { emulated: 'calls no kernel' },
  export: { emulated: 'about files that others run' },
  report: { emulated: 'about pages, files and numbers of detections' },
  demo: { emulated: 'about pictures and data sets' },
  documents: { emulated: 'about text' },
  package: { emulated: 'packs, installs, starts: about what comes before a kernel' },
  session: { emulated: 'about the files of runs' },
  retinanet: { emulated: 'trains for minutes' },
  torchvision: { emulated: 'runs whole networks' },
  'tfjs-backend': { emulated: 'calls none of our operations on devices' },
  'wasm-training': { emulated: 'calls none of our native operations' },
};

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const compiled = join('dist-dev', 'test');

const all = () =>
  readdirSync(join(root, compiled), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.test.js'));

/** The compiled test files that run there, by their paths from the root. */
export function testsOf(where) {
  const folders = all().map((file) => file.split('/')[0]);
  const unknown = folders.find((folder) => !Object.hasOwn(FOLDERS, folder));
  if (unknown !== undefined) throw new Error(`scripts/test-folders.mjs does not say where test/${unknown} runs`);
  return all()
    .filter((file, i) => {
      const runs = FOLDERS[folders[i]][where];
      return Array.isArray(runs) ? runs.includes(basename(file, '.test.js')) : runs === true;
    })
    .map((file) => join(compiled, file));
}

/** The folders that do not run on the emulated kernels, with the reasons. */
export const leftOut = () =>
  Object.entries(FOLDERS)
    .filter(([, { emulated }]) => emulated !== true)
    .map(([folder, { emulated }]) => `${folder}/ (${emulated})`);
