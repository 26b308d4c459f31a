// What the emulated driver did that others in the process notice: the lines of RETINANET_OPS_EMULATOR_TRACE.
import { existsSync, readFileSync } from 'node:fs';

const file = process.env['RETINANET_OPS_EMULATOR_TRACE'] ?? '';

/** Whether there is one: the driver of a GPU writes none. */
export const isTraced = file !== '';

/** So far, in their order. */
export function trace(): string[] {
  if (!isTraced) throw new Error('this scenario needs RETINANET_OPS_EMULATOR_TRACE');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** How many lines say this. */
export function count(what: string): number {
  return trace().filter((line) => line === what).length;
}
