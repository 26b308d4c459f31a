// Which backend runs the operations, and with how many threads.
import type { BackendState, CudaDevice, CudaState, RecycledMemory } from '../../binding.js';
import { RetinanetOpsError } from '../arguments/errors.js';
import { native } from './native.js';
import { Check } from '../arguments/check.js';
import { oneOf, type OptionsOf } from '../arguments/options.js';

export type { BackendState, CudaDevice, CudaState, RecycledMemory };

/**
 * Where calls on typed arrays run. 'auto' is the CPU: crossing the bus and back takes longer than the CPU needs. 'cuda' sends them
 * to a device all the same, and throws where there is none to use. Tensors on a device run there whatever this says.
 */
export type BackendName = 'auto' | 'cpu' | 'cuda';
const NAMES: readonly BackendName[] = ['auto', 'cpu', 'cuda'];

export const BACKEND = {
  /** Where this call runs. Default: what setBackend chose. */
  backend: oneOf(NAMES),
};

/** The backend of one call. */
export interface BackendOptions extends OptionsOf<typeof BACKEND> {}
let current: BackendName = 'auto';

/**
 * Chooses the backend of all later calls that do not name their own. Held per JavaScript thread.
 *
 * @throws RetinanetOpsError ERR_BACKEND where the backend is not usable (the message says why), ERR_OPTION for another name.
 */
export function setBackend(name: BackendName): void {
  const check = new Check('setBackend');
  if (check.oneOf('name', name, NAMES) === 'cuda') requireCuda(check);
  current = name;
}

/** What setBackend chose last; 'auto' at first. */
export function getBackend(): BackendName {
  return current;
}

/** What `backendInfo()` tells. */
export interface BackendInfo {
  /** What setBackend chose. */
  current: BackendName;
  /** The backend that calls on typed arrays without a `backend` option run on. */
  active: 'cpu' | 'cuda';
  /** Threads that an operation may use, the calling one included. */
  numThreads: number;
  /** The CPU backend; unusable only where the addon does not load. */
  cpu: BackendState;
  /** The CUDA backend: its devices, or the reason why it is unusable. */
  cuda: CudaState;
  /**
   * Host memory of large results: once an array has been collected, the next result takes its place. RETINANET_OPS_RECYCLED_MIB
   * in the environment bounds what is kept meanwhile; 0 switches it off.
   */
  memory: RecycledMemory;
}

/** What can run here: backends, the CPU instruction set in use, CUDA's devices, or why CUDA is unusable; memory. */
export function backendInfo(): BackendInfo {
  const active = current === 'cuda' ? 'cuda' : 'cpu';
  const addon = native();
  const [numThreads, memory] = [addon.numThreads(), addon.recycledMemory()];
  return { current, active, numThreads, cpu: addon.cpuInfo(), cuda: askCuda(), memory };
}

/**
 * Sets how many threads one operation may use, the calling one included; for the whole process. Results do not depend on it.
 *
 * @param count 1 to 1024, or 0 for the default: the cores this process may use (affinity and cgroup quota respected).
 */
export function setNumThreads(count: number): void {
  const addon = native();
  const range = { min: 0, max: addon.maxThreads, integer: true };
  addon.setNumThreads(new Check('setNumThreads').number('count', count, range));
}

/** The native number of the backend that a call with this `backend` option runs on. */
export function backendIndex(check: Check, option?: BackendName): number {
  const given = option ?? current;
  const onDevice = check.device !== undefined;
  if (onDevice && option === 'cpu') {
    check.fail('ERR_BACKEND', 'backend', "'auto' or 'cuda' for tensors on a device", "'cpu'");
  }
  if (!onDevice && given !== 'cuda') return native().backends.cpu;
  if (!onDevice) requireCuda(check);
  return native().backends.cuda;
}

/** Throws ERR_BACKEND with the reason where CUDA is not usable; that is decided once a process. */
export function requireCuda(check: Check): void {
  if (usable === true) return;
  const { available, reason, detail } = askCuda();
  if (available) return;
  const why = [reason, detail].filter((part) => part !== undefined && part !== '').join(', ');
  throw new RetinanetOpsError(
    'ERR_BACKEND',
    `${check.operation}: expected a usable backend, received 'cuda', which is not usable: ${why}`,
  );
}

/** As requireCuda, as far as that is known without making a context on a device. */
export function requirePresentCuda(check: Check): void {
  if (!cudaIsPresent()) requireCuda(check);
}

/** Whether CUDA can be used, as far as that is known without making a context on a device. */
export function cudaIsPresent(): boolean {
  return usable ?? (present ??= native().cudaDeviceCount() > 0);
}

function askCuda(): CudaState {
  const state = native().cudaInfo();
  usable = state.available;
  return state;
}

let usable: boolean | undefined;
let present: boolean | undefined;
