// Whether two arrays lie over the same memory.
import { types } from 'node:util';
import { DeviceTensor } from '../runtime/device-tensor.js';
import { native } from '../runtime/native.js';
import { bufferOf, byteLengthIn, byteOffsetIn } from './typed-arrays.js';

/** 'apart', 'over each other', or 'the same': the same memory from the first byte to the last. Empty arrays are apart. */
export type Overlap = 'apart' | 'over each other' | 'the same';

export type Operand = ArrayBufferView | DeviceTensor;

/** How two arrays lie in memory. */
export function overlap(a: Operand, b: Operand): Overlap {
  if (DeviceTensor.is(a)) return DeviceTensor.is(b) ? overlapOnDevice(a, b) : 'apart';
  if (DeviceTensor.is(b)) return 'apart';
  const [bytesOfA, bytesOfB] = [byteLengthIn(a), byteLengthIn(b)];
  const distance = bytesOfA === 0 || bytesOfB === 0 ? Infinity : bytesBetween(a, b);
  return overlapAt(distance, bytesOfA, bytesOfB);
}

/** Tensors are memory of their own, but for those that share some. */
function overlapOnDevice(a: DeviceTensor, b: DeviceTensor): Overlap {
  if (a.length === 0 || b.length === 0 || a.device !== b.device) return 'apart';
  if (a === b) return 'the same';
  return a.shares || b.shares ? overlapAt(Number(b.pointer - a.pointer), a.bytes, b.bytes) : 'apart';
}

function overlapAt(distance: number, bytesOfA: number, bytesOfB: number): Overlap {
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
