// `cuda` of 'retinanet-ops': devices, and tensors in their memory. Operations take tensors wherever they take typed arrays, and
// then answer with tensors; such calls only queue work on the device, in the order they are made, unless the size of a result has
// to be known (assignAnchors, nms, decodeDetections, selectHardNegatives, onlineHardExamples: those wait for it).
import { backendInfo, requireCuda, type CudaDevice } from './backend.js';
import { CUDA, DeviceTensor, DTYPES, elements, KINDS, type DType, type TensorData } from './device-tensor.js';
import { describe } from './describe.js';
import type { DeviceMemory } from '../binding.js';
import { native } from './native.js';
import { plan } from './plan.js';
import { kindOf } from './typed-arrays.js';
import { Check } from './validate.js';

export { DeviceTensor, type CudaDevice, type DeviceMemory, type DType, type TensorData };

export interface TensorOptions {
  /** Default: 'float32', 'int32' or 'float64' as the data are; 'float32' for a shape. */
  dtype?: DType;
  /** Of the data. Default: [data.length]. */
  shape?: readonly number[];
  /** Index of the device. Default: the first that runs the kernels, `backendInfo().cuda.device`. */
  device?: number;
}

/** Whether CUDA can be used; `backendInfo().cuda` says why where it cannot. */
export function isAvailable(): boolean {
  return native().cudaInfo().available;
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
  const given = check.options<TensorOptions>('options', options, ['dtype', 'shape', 'device']);
  const kind = kindOf(data);
  if (kind === undefined && !Array.isArray(data)) {
    check.fail('ERR_DTYPE', 'data', 'a Float32Array, Int32Array or Float64Array, or a shape', describe(data));
  }
  const byDefault = DTYPES.find((dtype) => KINDS[dtype] === kind) ?? 'float32';
  const dtype = given.dtype === undefined ? byDefault : check.oneOf('dtype', given.dtype, DTYPES);
  const device = readDevice(check, given.device);
  if (kind === undefined) {
    if (given.shape !== undefined) check.fail('ERR_OPTION', 'shape', 'a shape only with data', 'a second one');
    const zeros = DeviceTensor.allocate(check, readShape(check, 'data', data), dtype, device);
    plan(check, 'deviceClear', [CUDA, zeros], () => undefined).runSync();
    return zeros;
  }
  const array = check.array(KINDS[dtype], 'data', data);
  const shape = given.shape === undefined ? [array.length] : readShape(check, 'shape', given.shape);
  check.length('data', array, elements(shape), `of shape [${shape.join(', ')}]`);
  return DeviceTensor.allocate(check, shape, dtype, device).copyFrom(array);
}

/**
 * What this process holds on a device; by default that of `backendInfo().cuda.device`.
 *
 * @throws RetinanetOpsError ERR_BACKEND, ERR_RANGE
 */
export function memory(device?: number): DeviceMemory {
  const check = new Check('cuda.memory');
  return plan(check, 'deviceMemory', [CUDA, readDevice(check, device)], (bytes) => bytes).runSync();
}

/**
 * Waits, on a worker thread, for all work queued on a device before; by default on that of `backendInfo().cuda.device`.
 *
 * @throws RetinanetOpsError ERR_BACKEND: the device, or something queued on it, failed; ERR_RANGE
 */
export async function synchronize(device?: number): Promise<void> {
  const check = new Check('cuda.synchronize');
  return plan(check, 'deviceSynchronize', [CUDA, readDevice(check, device)], () => undefined).runAsync();
}

/**
 * A Float32Array of zeros in pinned host memory, which devices read and write by themselves, faster than other memory. Released
 * by garbage collection. A plain Float32Array where the runtime forbids arrays over memory not its own (Electron).
 *
 * @throws RetinanetOpsError ERR_BACKEND, ERR_OUT_OF_MEMORY, ERR_RANGE
 */
export function pinnedFloat32Array(length: number): Float32Array {
  const check = new Check('cuda.pinnedFloat32Array');
  requireCuda(check);
  check.number('length', length, { min: 0, max: 2 ** 40, integer: true });
  if (length === 0) return new Float32Array(0);
  const buffer = plan(check, 'devicePinned', [CUDA, 4 * length], (pinned) => pinned).runSync();
  const array = buffer === undefined ? check.newArray('Float32Array', length) : new Float32Array(buffer);
  return array.fill(0);
}

function readDevice(check: Check, device: unknown): number {
  requireCuda(check);
  // Neither changes while a process lives.
  known ??= { count: devices().length, first: native().cudaInfo().device ?? 0 };
  if (device === undefined) return known.first;
  return check.number('device', device, { min: 0, max: known.count - 1, integer: true });
}

let known: { count: number; first: number } | undefined;

function readShape(check: Check, name: string, shape: unknown): number[] {
  if (Array.isArray(shape) && shape.length === 0) return [];
  const sizes = check.numbers(name, shape, { min: 0, integer: true }, 16);
  if (!(elements(sizes) < 2 ** 53)) {
    check.fail('ERR_SHAPE', name, 'a shape of fewer than 2^53 elements', `[${sizes.join(', ')}]`);
  }
  return sizes;
}
