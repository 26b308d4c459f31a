// `cuda` of 'retinanet-ops': devices, and tensors in their memory. Operations take tensors wherever they take typed arrays, and
// then answer with tensors; such calls only queue work on the device, in the order they are made, unless the size of a result has
// to be known (assignAnchors, nms, decodeDetections, selectHardNegatives, onlineHardExamples: those wait for it).
import { backendInfo, cudaIsPresent, requirePresentCuda, type CudaDevice } from './backend.js';
import { readDevice } from './cuda-device.js';
import { DeviceTensor } from './device-tensor.js';
import { DTYPES, elements, KINDS, readShape, type DType, type TensorData } from './dtypes.js';
import { describe } from '../arguments/describe.js';
import type { DeviceMemory } from '../../binding.js';
import { plan } from './plan.js';
import { kindOf } from '../arguments/typed-arrays.js';
import { Check } from '../arguments/check.js';
import { oneOf, value, type OptionsOf } from '../arguments/options.js';

export { record, stream, waitFor, wrap, type CudaEvent, type WrapOptions } from './cuda-interop.js';
export { DeviceTensor, type CudaDevice, type DeviceMemory, type DType, type TensorData };

const DEVICE = {
  /** Index of the device. Default: the first that runs the kernels, `backendInfo().cuda.device`. */
  device: value<number>(),
};

const TENSOR_OPTIONS = {
  ...DEVICE,
  /** Default: 'float32', 'int32' or 'float64' as the data are; 'float32' for a shape. */
  dtype: oneOf(DTYPES),
  /** Of the data. Default: [data.length]. */
  shape: value<readonly number[]>(),
};

/** Options of `cuda.tensor`. */
export interface TensorOptions extends OptionsOf<typeof TENSOR_OPTIONS> {}

/**
 * Whether CUDA can be used; `backendInfo().cuda` says why where it cannot. Costs next to nothing: driver and devices are asked once
 * a process, and no context is made on any. That a device is there but not to be had (in exclusive use, or without machine code in
 * this package though it is new enough) shows only when one is used, or backendInfo() is called; from then on here too.
 */
export function isAvailable(): boolean {
  return cudaIsPresent();
}

/** The devices; none where CUDA is not available. */
export function devices(): CudaDevice[] {
  return backendInfo().cuda.devices;
}

/**
 * A tensor with the given elements (float16 and bfloat16 round a Float32Array to nearest), or of the given shape and all zeros.
 *
 * @throws RetinanetOpsError ERR_BACKEND: CUDA not usable, or failed; ERR_OUT_OF_MEMORY; ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION
 */
export function tensor(data: TensorData | readonly number[], options?: TensorOptions): DeviceTensor {
  const check = new Check('cuda.tensor');
  const given = check.options('options', options, TENSOR_OPTIONS);
  const kind = kindOf(data);
  if (kind === undefined && !Array.isArray(data)) {
    check.fail('ERR_DTYPE', 'data', 'a Float32Array, Int32Array or Float64Array, or a shape', describe(data));
  }
  const byDefault = DTYPES.find((dtype) => KINDS[dtype] === kind) ?? 'float32';
  const dtype = given.dtype ?? byDefault;
  const device = readDevice(check, given.device);
  if (kind === undefined) {
    if (given.shape !== undefined) check.fail('ERR_OPTION', 'shape', 'a shape only with data', 'a second one');
    const zeros = DeviceTensor.allocate(check, readShape(check, 'data', data), dtype, device);
    plan(check, 'deviceClear', { tensor: zeros }, () => undefined).runSync();
    return zeros;
  }
  const array = check.array(KINDS[dtype], 'data', data);
  const shape = given.shape === undefined ? [array.length] : readShape(check, 'shape', given.shape);
  check.length('data', array, elements(shape), `of shape [${shape.join(', ')}]`);
  return DeviceTensor.allocate(check, shape, dtype, device).copyFrom(array);
}

const bytes = value<number, number>(
  (check, argument, given) => (given === Infinity ? given : check.number(argument, given, { min: 0, integer: true })),
  -1,
);

const MEMORY_OPTIONS = {
  ...DEVICE,
  /**
   * Bytes, or Infinity (the default): while the pool holds more, a wait for the device (data(), synchronize(), results of known
   * size) gives what is free in it back to the system. 0 keeps nothing, and allocations become expensive. Holds until set anew.
   */
  limit: bytes,
  /**
   * Bytes: gives what is free now back to the system, once, down to so many; 0 gives back all of it. In the driver's blocks of
   * some 32 MiB: the last one may reach beyond.
   */
  trim: bytes,
};

/** Options of `cuda.memory`. */
export interface MemoryOptions extends OptionsOf<typeof MEMORY_OPTIONS> {}

/**
 * What this process holds on a device; with `limit` and `trim` also how much of it is kept. Memory comes from a pool of this
 * package's own (where a device has none, from blocks that are used again): nobody else's settings are touched. Waits for nothing
 * unless `limit` or `trim` is given.
 *
 * @param device index of the device, or options
 * @throws RetinanetOpsError ERR_BACKEND, ERR_DTYPE, ERR_OPTION, ERR_RANGE
 */
export function memory(device?: number | MemoryOptions): DeviceMemory {
  const check = new Check('cuda.memory');
  const options = typeof device === 'number' ? { device } : device;
  const { limit, trim, ...given } = check.options('options', options, MEMORY_OPTIONS);
  const fields = { device: readDevice(check, given.device), limit, trim };
  return plan(check, 'deviceMemory', fields, (figures) => figures).runSync();
}

/**
 * Waits, on a worker thread and asleep, for the work that has been queued on a device when this is called, and for no more; by
 * default on that of `backendInfo().cuda.device`.
 *
 * @throws RetinanetOpsError ERR_BACKEND: the device, or something queued on it, failed; ERR_RANGE
 */
export async function synchronize(device?: number): Promise<void> {
  const check = new Check('cuda.synchronize');
  return plan(check, 'deviceSynchronize', { device: readDevice(check, device) }, () => undefined).runAsync();
}

/**
 * A Float32Array of zeros in pinned host memory, which devices read and write by themselves, faster than other memory. What has
 * been garbage collected is freed beside the next data(), synchronize(), memory() or pinnedFloat32Array(): that may wait for devices,
 * and a garbage collection does not. A plain Float32Array where the runtime forbids arrays over memory not its own (Electron).
 *
 * @throws RetinanetOpsError ERR_BACKEND, ERR_OUT_OF_MEMORY, ERR_RANGE
 */
export function pinnedFloat32Array(length: number): Float32Array {
  const check = new Check('cuda.pinnedFloat32Array');
  requirePresentCuda(check);
  check.number('length', length, { min: 0, max: 2 ** 40, integer: true });
  if (length === 0) return new Float32Array(0);
  const buffer = plan(check, 'devicePinned', { bytes: 4 * length }, (pinned) => pinned).runSync();
  const array = buffer === undefined ? check.newArray('Float32Array', length) : new Float32Array(buffer);
  return array.fill(0);
}
