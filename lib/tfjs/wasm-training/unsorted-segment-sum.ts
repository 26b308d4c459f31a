import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmKernelArgs } from './scratch.js';

type Args = WasmKernelArgs<{ x: TensorInfo; segmentIds: TensorInfo }, { numSegments: number }>;

/** Sums the rows of `x` that share a segment id; ids outside [0, numSegments) are dropped. The gradient of `tf.gather`. */
export function unsortedSegmentSum({ inputs: { x, segmentIds }, backend, attrs: { numSegments } }: Args): TensorInfo {
  const out = backend.makeOutput([numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype);
  const ids = backend.typedArrayFromHeap(segmentIds);
  const values = backend.typedArrayFromHeap(x);
  const sums = backend.typedArrayFromHeap(out).fill(0);
  const row = numSegments === 0 ? 0 : sums.length / numSegments;
  ids.forEach((id: number, i: number) => {
    if (id < 0 || id >= numSegments) return;
    for (let from = i * row, to = id * row, end = from + row; from < end; from++, to++) {
      sums[to] = (sums[to] ?? 0) + (values[from] ?? 0);
    }
  });
  return out;
}
