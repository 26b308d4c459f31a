// Which backend runs the operations, and with how many threads.
import type { BackendState } from '../binding.js';
import { RetinanetOpsError } from './errors.js';
import { native } from './native.js';
import { Check } from './validate.js';

/** 'auto' takes the fastest backend that is usable; 'cuda' throws where CUDA is not. */
export type BackendName = 'auto' | 'cpu' | 'cuda';

const NAMES = ['auto', 'cpu', 'cuda'] as const;
let current: BackendName = 'auto';

/**
 * Chooses the backend of all later calls that do not name their own. Held per JavaScript thread.
 *
 * @throws RetinanetOpsError ERR_BACKEND where the backend is not usable (the message says why), ERR_OPTION for another name.
 */
export function setBackend(name: BackendName): void {
  const check = new Check('setBackend');
  backendIndex(check, check.oneOf('name', name, NAMES));
  current = name;
}

/** What setBackend chose last; 'auto' at first. */
export function getBackend(): BackendName {
  return current;
}

export interface BackendInfo {
  /** What setBackend chose. */
  current: BackendName;
  /** The backend that calls without a `backend` option run on. */
  active: 'cpu' | 'cuda';
  /** Threads that an operation may use, the calling one included. */
  numThreads: number;
  cpu: BackendState;
  cuda: BackendState;
}

/** What can run here: backends, the CPU instruction set in use, why CUDA is unusable where it is. */
export function backendInfo(): BackendInfo {
  const { cpu, cuda } = native().backendInfo();
  return { current, active: current === 'cuda' ? 'cuda' : 'cpu', numThreads: native().numThreads(), cpu, cuda };
}

/**
 * Sets how many threads one operation may use, the calling one included; for the whole process. Results do not depend on it.
 *
 * @param count 1 to 1024, or 0 for the default: the cores this process may use (affinity and cgroup quota respected).
 */
export function setNumThreads(count: number): void {
  native().setNumThreads(new Check('setNumThreads').number('count', count, { min: 0, max: 1024, integer: true }));
}

/** The native number of the backend that a call with this `backend` option runs on. */
export function backendIndex(check: Check, option: unknown): number {
  const name = option === undefined ? current : check.oneOf('backend', option, NAMES);
  if (name === 'cuda') {
    const { cuda } = native().backendInfo();
    if (!cuda.available) {
      throw new RetinanetOpsError(
        'ERR_BACKEND',
        `${check.operation}: expected a usable backend, received 'cuda', which is not usable: ${cuda.reason ?? 'unknown'}`,
      );
    }
  }
  return NAMES.indexOf(name);
}
