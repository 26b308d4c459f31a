// `cuda` among others in the process: their memory as tensors, our stream for their work, events between the two. Handles and
// addresses are BigInts, as other addons give and take them; of tensor capsules (DLPack) Node.js has no convention.
import { requirePresentCuda } from './backend.js';
import { readDevice } from './cuda-device.js';
import { DeviceTensor } from './device-tensor.js';
import { BYTES, DTYPES, elements, readShape } from './dtypes.js';
import { plan } from './plan.js';
import { Check } from '../arguments/check.js';
import { callback, neededValue, oneOf, value, type OptionsOf } from '../arguments/options.js';

const WRAP_OPTIONS = {
  /** Address of the first element in the device's memory, a multiple of the size of an element. */
  pointer: neededValue<bigint>(),
  /** Of the tensor: contiguous, row-major. */
  shape: neededValue<readonly number[]>(),
  /** Default 'float32'. */
  dtype: oneOf(DTYPES, 'float32'),
  /** Index of the device. Default: whose memory it is. */
  device: value<number>(),
  /**
   * Called once, when neither the tensor nor a view of it holds the memory any more (disposed of, or garbage collected) and what
   * was queued on the device by then has been done: from then on the memory is the owner's alone. Not called when the process ends.
   */
  onDispose: callback<() => void>(),
};

/** Options of `cuda.wrap`. */
export interface WrapOptions extends OptionsOf<typeof WRAP_OPTIONS> {}

/**
 * A tensor over device memory of somebody else, who keeps it until onDispose is called. Nothing is copied, and the memory is not
 * counted in `cuda.memory()`. Work of others on it and ours have to wait for each other (`waitFor`, `record`, `stream`).
 *
 * @throws RetinanetOpsError ERR_BACKEND: CUDA not usable, or failed; ERR_DTYPE, ERR_SHAPE, ERR_OPTION; ERR_RANGE: 0 or misaligned;
 * ERR_DEVICE: not the memory of a device, or of another one; ERR_SHAPE: more than the allocation has
 */
export function wrap(options: WrapOptions): DeviceTensor {
  const check = new Check('cuda.wrap');
  const { dtype, onDispose, ...given } = check.options('options', options, WRAP_OPTIONS);
  const pointer = check.bigint('pointer', given.pointer, 'an address', 1n);
  const size = BYTES[dtype];
  if (pointer % BigInt(size) !== 0n) {
    check.fail('ERR_RANGE', 'pointer', `a multiple of ${String(size)} (${dtype})`, `${String(pointer)}n`);
  }
  const shape = readShape(check, 'shape', given.shape);
  requirePresentCuda(check);
  const named = given.device === undefined ? undefined : readDevice(check, given.device);
  const place = plan(check, 'deviceLocate', { pointer }, (found) => found).runSync();
  const expected = `memory of ${named === undefined ? 'a device' : `device ${String(named)}`}`;
  if (place.device < 0) check.fail('ERR_DEVICE', 'pointer', expected, `${String(pointer)}n, which is no device's`);
  if (named !== undefined && named !== place.device) {
    check.fail('ERR_DEVICE', 'pointer', expected, `memory of device ${String(place.device)}`);
  }
  const bytes = size * elements(shape);
  if (place.bytes >= 0 && bytes > place.bytes) {
    const room = `at most ${String(place.bytes)} bytes, which there are from pointer on,`;
    check.fail('ERR_SHAPE', 'shape', room, `[${shape.join(', ')}] of ${dtype}, ${String(bytes)} bytes`);
  }
  return DeviceTensor.wrap(
    check,
    pointer,
    shape,
    dtype,
    place.device,
    onDispose ? afterWork(place.device, onDispose) : null,
  );
}

/** Once what has been queued when it is called is over, whatever came of it. */
function afterWork(device: number, then: () => void): () => void {
  return () => {
    const check = new Check('cuda.wrap');
    const over = plan(check, 'deviceSynchronize', { device }, () => undefined).runAsync();
    void over.catch(() => undefined).then(then);
  };
}

/**
 * The cudaStream_t of a device, on which all work of this package is queued: what others queue there comes in order with it. By
 * default that of `backendInfo().cuda.device`. It is never destroyed; do not record it as a graph.
 *
 * @throws RetinanetOpsError ERR_BACKEND, ERR_DTYPE, ERR_RANGE
 */
export function stream(device?: number): bigint {
  const check = new Check('cuda.stream');
  return plan(check, 'deviceStream', { device: readDevice(check, device) }, (handle) => handle).runSync();
}

/** A point in a device's work. */
export interface CudaEvent {
  /** The cudaEvent_t, without timing; destroyed when this object is garbage collected. */
  readonly event: bigint;
  /** Index of the device on whose stream it was recorded. */
  readonly device: number;
}

/**
 * An event after what has been queued on a device so far, for `waitFor` or for others (cudaStreamWaitEvent); by default on that of
 * `backendInfo().cuda.device`.
 *
 * @throws RetinanetOpsError ERR_BACKEND, ERR_DTYPE, ERR_RANGE
 */
export function record(device?: number): CudaEvent {
  const check = new Check('cuda.record');
  const event = { event: 0n, device: readDevice(check, device) };
  event.event = plan(check, 'deviceRecord', { device: event.device, holder: event }, (handle) => handle).runSync();
  return Object.freeze(event);
}

const WORK = ['event', 'stream', 'device'] as const;

/**
 * What is queued on a device from now on waits for somebody else's work: until an event has come (one of `record`, on whichever
 * device, or a cudaEvent_t), or until what is queued on a cudaStream_t now has been done. The host does not wait.
 *
 * @param work `{ event }` or `{ stream }`. Handles are not checked: one that is none ends the process
 * @param device index of the device that waits; by default `backendInfo().cuda.device`
 * @throws RetinanetOpsError ERR_BACKEND, ERR_DTYPE, ERR_OPTION, ERR_RANGE
 */
export function waitFor(work: CudaEvent | { event: bigint } | { stream: bigint }, device?: number): void {
  const check = new Check('cuda.waitFor');
  const given = check.fields<Partial<Record<(typeof WORK)[number], unknown>>>('work', work, WORK, true);
  const isStream = given.event === undefined;
  if (isStream && given.device !== undefined) {
    check.fail('ERR_OPTION', 'work', 'a stream alone (the device that waits is the second argument)', "'device'");
  }
  if (isStream === (given.stream === undefined)) {
    check.fail('ERR_OPTION', 'work', 'either an event or a stream', isStream ? 'neither' : 'both');
  }
  // Stream 0 is CUDA's default one.
  const handle = isStream
    ? check.bigint('work.stream', given.stream, 'a cudaStream_t', 0n)
    : check.bigint('work.event', given.event, 'a cudaEvent_t', 1n);
  const fields = { device: readDevice(check, device), handle, isStream };
  plan(check, 'deviceWaitFor', fields, () => work).runSync();
}
