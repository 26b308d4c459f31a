// Where in an array the first bad value stands.
import { native } from '../runtime/native.js';

/** Arrays of so many values are searched natively, on all threads. */
const LONG = 4096;

/** Index of the first value not in [min, max], or -1. */
export function firstOutside(array: Float32Array | Int32Array, min: number, max: number): number {
  if (array.length >= LONG) return native().firstOutside(array, min, max);
  for (let i = 0; i < array.length; i++) {
    const value = array[i] as number;
    if (!(value >= min && value <= max)) return i;
  }
  return -1;
}

/** Row of the first box that is not finite or, where `area` is asked for, has none; or -1. */
export function firstBadBox(boxes: Float32Array, area: boolean): number {
  if (boxes.length >= LONG) return native().firstBadBox(boxes, area);
  for (let i = 0; i < boxes.length; i += 4) {
    const x1 = boxes[i] as number;
    const y1 = boxes[i + 1] as number;
    const x2 = boxes[i + 2] as number;
    const y2 = boxes[i + 3] as number;
    // A sum of finite float32 values is finite in float64, and NaN or Infinity in any of them spoils it.
    if (!Number.isFinite(x1 + y1 + x2 + y2) || (area && !(x2 > x1 && y2 > y1))) return i / 4;
  }
  return -1;
}
