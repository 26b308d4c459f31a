// Whether two arrays lie over the same memory.
import { types } from 'node:util';
import { DeviceTensor } from './device-tensor.js';
import { native } from './native.js';
import { bufferOf, byteLengthIn, byteOffsetIn } from './typed-arrays.js';

/** 'apart', 'over each other', or 'the same': the same memory from the first byte to the last. Empty arrays are apart. */
export type Overlap = 'apart' | 'over each other' | 'the same';

export type Operand = ArrayBufferView | DeviceTensor;

/** How two arrays lie in memory. Tensors are memory of their own. */
export function overlap(a: Operand, b: Operand): Overlap {
  if (DeviceTensor.is(a) || DeviceTensor.is(b)) return a === b && (a as DeviceTensor).length > 0 ? 'the same' : 'apart';
  const [bytesOfA, bytesOfB] = [byteLengthIn(a), byteLengthIn(b)];
  const distance = bytesOfA === 0 || bytesOfB === 0 ? Infinity : bytesBetween(a, b);
  if (distance >= bytesOfA || -distance >= bytesOfB) return 'apart';
  return distance === 0 && bytesOfA === bytesOfB ? 'the same' : 'over each other';
}

/** From the first byte of `a` to that of `b`; Infinity where they cannot meet. */
function bytesBetween(a: Exclude<Operand, DeviceTensor>, b: Exclude<Operand, DeviceTensor>): number {
  const [bufferOfA, bufferOfB] = [bufferOf(a), bufferOf(b)];
  if (bufferOfA === bufferOfB) return byteOffsetIn(b) - byteOffsetIn(a);
  // Several SharedArrayBuffers may stand for one memory: one that came back in a message, or WebAssembly's before it grew.
  const shared = types.isSharedArrayBuffer(bufferOfA) && types.isSharedArrayBuffer(bufferOfB);
  return shared ? native().bytesBetween(a, b) : Infinity;
}
