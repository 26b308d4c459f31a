// What the emulated driver did that others in the process notice: the lines of RETINANET_OPS_EMULATOR_TRACE.
import { existsSync, readFileSync } from 'node:fs';

const file = process.env['RETINANET_OPS_EMULATOR_TRACE'] ?? '';

/** So far, in their order. */
export function trace(): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}

/** How many lines say this. */
export function count(what: string): number {
  return trace().filter((line) => line === what).length;
}
