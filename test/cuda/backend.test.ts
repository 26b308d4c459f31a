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
  t.deepEqual(rest, { device: 0 });
  t.regex(driverVersion ?? '', /^\d+\.\d$/);
  t.regex(runtimeVersion ?? '', /^\d+\.\d$/);
  t.is(devices.length, 2);
  t.is(devices[1]?.name, 'Emulated device 1');
  t.regex(devices[0]?.computeCapability ?? '', /^\d+\.\d$/);
  t.true((devices[0]?.multiprocessors ?? 0) > 0 && (devices[0]?.totalBytes ?? 0) > 2 ** 20);
  t.is(state({ RETINANET_OPS_EMULATOR_DEVICES: '1' }).devices.length, 1);
});

emulated('no-driver, old-driver, no-device and old-device: what CUDA says', (t) => {
  for (const [devices, old, reason, detail, driverVersion] of [
    ['no-driver', '', 'no-driver', /InsufficientDriver/, undefined],
    ['old-driver', '', 'old-driver', /InsufficientDriver/, '11.4'],
    ['0', '', 'no-device', /NoDevice/, '13.0'],
    ['1', '0', 'old-device', /^device 0 \(Emulated device 0, compute capability 9\.0\): .*NoKernelImage/, '13.0'],
    ['2', '1,0', 'old-device', /^device 0 .*NoKernelImage/, '13.0'],
  ] as const) {
    const cuda = state({ RETINANET_OPS_EMULATOR_DEVICES: devices, RETINANET_OPS_EMULATOR_OLD_DEVICES: old });
    t.is(cuda.reason, reason);
    t.regex(cuda.detail ?? '', detail, reason);
    t.deepEqual(cuda.devices, []);
    t.is(cuda.driverVersion, driverVersion, reason);
    t.is(cuda.runtimeVersion, '13.0');
  }
});

emulated('of several devices the first that runs the kernels is taken, and the others are refused', (t) => {
  const environment = { RETINANET_OPS_EMULATOR_DEVICES: '3', RETINANET_OPS_EMULATOR_OLD_DEVICES: '0,2' };
  const { available, device, devices } = state(environment);
  t.true(available);
  t.is(device, 1);
  t.is(devices.length, 3);
  t.regex(runCuda('placement', ['second'], environment), /done$/);
});

emulated("'auto' leaves typed arrays on the CPU, 'cuda' sends them to a device, tensors run where they lie", (t) => {
  t.regex(runCuda('placement', ['auto']), /done$/);
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
  t.regex(
    info({ RETINANET_OPS_EMULATOR_DEVICES: 'no-driver' }),
    /^cuda: not usable, no-driver \(driver absent, runtime 13.0\)\n {2}./m,
  );
  t.regex(
    info({ RETINANET_OPS_EMULATOR_DEVICES: 'old-driver' }),
    /^cuda: not usable, old-driver \(driver 11.4, runtime 13.0\)\n {2}./m,
  );
  t.regex(
    info({ RETINANET_OPS_EMULATOR_DEVICES: '1', RETINANET_OPS_EMULATOR_OLD_DEVICES: '0' }),
    /^cuda: not usable, old-device \(driver 13.0, runtime 13.0\)\n {2}device 0 \(Emulated/m,
  );
  t.regex(info({ RETINANET_OPS_CUDA_LIBRARY: '/nowhere.so' }), /^cuda: not usable, no-library\n {2}.*nowhere/m);
});

test('without a library in its place there is a reason', (t) => {
  const { status, stdout, stderr } = runScript('../cuda/scripts/backend.js', [], { RETINANET_OPS_CUDA_LIBRARY: '' });
  t.is(status, 0, stderr);
  const cuda = JSON.parse(stdout) as CudaState;
  t.is(cuda.available, cuda.reason === undefined);
});
