// Compiles the addon of an installed package into its build/Release: `npx retinanet-ops build`. Part of the package, so it
// needs no more than the package's own dependencies: CMake is called as cmake-js would call it.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JOBS, missingTools, runs } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const build = join(root, 'build');
const output = join(build, 'Release');
const windows = process.platform === 'win32';

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function cmake(...args) {
  const { status, stdout, stderr, error } = spawnSync('cmake', args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) fail(`could not run cmake: ${error.message}`);
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  fail('the native addon did not compile; the compiler says why above.');
}

const missing = missingTools();
if (missing) fail(missing);
const headers = require('node-api-headers');
const includes = [headers.include_dir, dirname(require.resolve('node-addon-api/package.json'))];
console.log('retinanet-ops: compiling, this takes about a minute ...');
cmake(
  '-S',
  root,
  '-B',
  build,
  // cmake-js's choice: the generators order objects differently, and with them the functions of the binary.
  ...(!windows && runs('ninja', '--version') ? ['-G', 'Ninja'] : []),
  '-DCMAKE_BUILD_TYPE=Release',
  '-DRETINANET_OPS_WERROR=OFF', // whatever a compiler that we have not seen warns of
  `-DCMAKE_JS_INC=${includes.map((path) => path.replaceAll('\\', '/')).join(';')}`,
  ...(windows
    ? [
        `-DCMAKE_RUNTIME_OUTPUT_DIRECTORY=${build}`,
        '-DCMAKE_MSVC_RUNTIME_LIBRARY=MultiThreaded',
        `-DCMAKE_JS_NODELIB_DEF=${headers.def_paths.node_api_def}`,
        `-DCMAKE_JS_NODELIB_TARGET=${join(build, 'node.lib')}`,
        `-DCMAKE_JS_LIB=${join(build, 'node.lib')}`,
      ]
    : [`-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${output}`, '-DCMAKE_CXX_FLAGS=-DBUILDING_NODE_EXTENSION']),
);
cmake('--build', build, '--config', 'Release', '--parallel', JOBS);
console.log(`retinanet-ops: ${join(output, 'retinanet_ops.node')}`);
