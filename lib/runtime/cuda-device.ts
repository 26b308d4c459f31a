// Which device a call of `cuda` means.
import { requireCuda } from './backend.js';
import { native } from './native.js';
import type { Check } from '../arguments/check.js';

let first: number | undefined;

/**
 * The index of a device; where none is given the first that runs the kernels. A device that is named is not looked at, nor is any
 * other: a context is made where work is, and nowhere else.
 */
export function readDevice(check: Check, device: unknown): number {
  const count = native().cudaDeviceCount();
  if (device === undefined || count === 0) {
    requireCuda(check);
    // Does not change while a process lives.
    return (first ??= native().cudaInfo().device ?? 0);
  }
  return check.number('device', device, { min: 0, max: count - 1, integer: true });
}
