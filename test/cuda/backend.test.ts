// Whether CUDA can be used, and the reason where not.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CudaState } from 'retinanet-ops';
import { runScript } from '../support/child.js';
import { built, emulated, LIBRARY, runCuda } from './support.js';

const state = (environment: NodeJS.ProcessEnv): CudaState =>
  JSON.parse(runCuda('backend', [], environment)) as CudaState;

emulated('a usable library: devices and versions', (t) => {
  const { available, devices, driverVersion, runtimeVersion, ...rest } = state({});
  t.true(available);
  t.deepEqual(rest, {});
  t.regex(driverVersion ?? '', /^\d+\.\d$/);
  t.regex(runtimeVersion ?? '', /^\d+\.\d$/);
  t.is(devices.length, 2);
  t.is(devices[1]?.name, 'Emulated device 1');
  t.regex(devices[0]?.computeCapability ?? '', /^\d+\.\d$/);
  t.true((devices[0]?.multiprocessors ?? 0) > 0 && (devices[0]?.totalBytes ?? 0) > 2 ** 20);
  t.is(state({ RETINANET_OPS_EMULATOR_DEVICES: '1' }).devices.length, 1);
});

emulated('no-driver and no-device: what CUDA says', (t) => {
  for (const [devices, reason] of [
    ['no-driver', 'no-driver'],
    ['0', 'no-device'],
  ] as const) {
    const cuda = state({ RETINANET_OPS_EMULATOR_DEVICES: devices });
    t.is(cuda.reason, reason);
    t.regex(cuda.detail ?? '', /./);
    t.deepEqual(cuda.devices, []);
    t.regex(cuda.runtimeVersion ?? '', /^\d+\.\d$/);
  }
});

emulated('no-library and abi-mismatch: what the loader says', (t) => {
  const absent = state({ RETINANET_OPS_CUDA_LIBRARY: '/nowhere/at_all.so' });
  t.is(absent.reason, 'no-library');
  t.regex(absent.detail ?? '', /at_all\.so/);
  // A library that is no plugin, the addon itself; and a plugin of another version.
  for (const library of ['retinanet_ops.node', 'retinanet_other_version.so']) {
    const other = state({ RETINANET_OPS_CUDA_LIBRARY: built(library) });
    t.is(other.reason, 'abi-mismatch', library);
    t.regex(other.detail ?? '', /another version/);
  }
});

emulated('the command line prints it', (t) => {
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  const info = (environment: NodeJS.ProcessEnv): string =>
    spawnSync(process.execPath, [main, 'info'], {
      encoding: 'utf8',
      env: { ...process.env, RETINANET_OPS_CUDA_LIBRARY: LIBRARY, ...environment },
    }).stdout;
  t.regex(
    info({}),
    /^cuda: driver [\d.]+, runtime [\d.]+\n {2}device 0: Emulated device 0, .*multiprocessors, .*GiB$/m,
  );
  t.regex(info({ RETINANET_OPS_EMULATOR_DEVICES: 'no-driver' }), /^cuda: not usable, no-driver \(driver .*\)\n {2}./m);
  t.regex(info({ RETINANET_OPS_CUDA_LIBRARY: '/nowhere.so' }), /^cuda: not usable, no-library\n {2}.*nowhere/m);
});

test('without a library in its place there is a reason', (t) => {
  const { status, stdout, stderr } = runScript('../cuda/scripts/backend.js', [], { RETINANET_OPS_CUDA_LIBRARY: '' });
  t.is(status, 0, stderr);
  const cuda = JSON.parse(stdout) as CudaState;
  t.is(cuda.available, cuda.reason === undefined);
});
