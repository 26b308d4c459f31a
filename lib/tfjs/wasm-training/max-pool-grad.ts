import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { Scratch, type WasmKernelArgs } from './scratch.js';

type Args = WasmKernelArgs<
  { dy: TensorInfo; input: TensorInfo },
  {
    filterSize: [number, number] | number;
    strides: [number, number] | number;
    pad: 'valid' | 'same' | number | [[number, number], [number, number], [number, number], [number, number]];
    dimRoundingMode?: 'floor' | 'round' | 'ceil';
  }
>;

/**
 * The gradient of max pooling goes to the first largest value of each window, row by row.
 *
 * It stands here because the backend's own kernel (4.22) looks for a value above the smallest positive float, so a window
 * without positive values sends its gradient nowhere or to the wrong place.
 */
export function maxPoolGrad({ inputs: { dy, input }, backend, attrs }: Args): TensorInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const shape = input.shape as [number, number, number, number];
  const g = backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const scratch = new Scratch(backend);
  const dx = scratch.keep(scratch.zeros(shape));
  const heap = scratch.heap();
  const x0 = scratch.offset(input);
  const toDx = scratch.offset(dx) - x0;
  const channels = g.inChannels;
  const rowLength = g.inWidth * channels;
  let y = scratch.offset(dy);
  for (let b = 0; b < g.batchSize; b++) {
    const image = x0 + b * g.inHeight * rowLength;
    for (let row = 0; row < g.outHeight; row++) {
      const top = row * g.strideHeight - g.padInfo.top;
      const firstRow = image + Math.max(0, top) * rowLength;
      const endRow = image + Math.min(g.inHeight, top + g.filterHeight) * rowLength;
      for (let column = 0; column < g.outWidth; column++) {
        const left = column * g.strideWidth - g.padInfo.left;
        const first = Math.max(0, left) * channels;
        const width = Math.min(g.inWidth, left + g.filterWidth) * channels - first;
        for (let channel = 0; channel < channels; channel++, y++) {
          let largest = -Infinity;
          let place = -1;
          for (let start = firstRow + first + channel; start < endRow; start += rowLength) {
            for (let at = start, end = start + width; at < end; at += channels) {
              const value = heap[at] ?? 0;
              if (value > largest) {
                largest = value;
                place = at;
              }
            }
          }
          if (place >= 0) heap[place + toDx] = (heap[place + toDx] ?? 0) + (heap[y] ?? 0);
        }
      }
    }
  }
  return dx;
}
