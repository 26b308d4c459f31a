import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Axis, type ConvAttrs, type ConvGeometry, convGeometry } from './geometry.js';
import { Scratch, type WasmKernelArgs } from './scratch.js';

type InputArgs = WasmKernelArgs<{ dy: TensorInfo; filter: TensorInfo }, ConvAttrs & { inputShape: number[] }>;
type FilterArgs = WasmKernelArgs<{ x: TensorInfo; dy: TensorInfo }, ConvAttrs & { filterShape: number[] }>;

// A depthwise convolution does so little arithmetic for each value it reads that plain loops over the heap serve.

/** The gradient of a depthwise convolution with respect to its input; filter `[rows, columns, channels, multiplier]`. */
export function depthwiseBackpropInput({ inputs: { dy, filter }, backend, attrs }: InputArgs): TensorInfo {
  const g = convGeometry(attrs.inputShape, filter.shape, dy, attrs, true);
  const scratch = new Scratch(backend);
  const dx = scratch.keep(scratch.zeros(attrs.inputShape));
  const heap = scratch.heap();
  const [dx0, dy0, w0] = [scratch.offset(dx), scratch.offset(dy), scratch.offset(filter)];
  const multiplier = filter.shape[3] ?? 1;
  forEachPixelTap(g, (xPixel, yPixel, tap) => {
    let y = dy0 + yPixel * g.inChannels * multiplier;
    let w = w0 + tap * g.inChannels * multiplier;
    for (let to = dx0 + xPixel * g.inChannels, end = to + g.inChannels; to < end; to++) {
      let sum = heap[to] ?? 0;
      for (let q = 0; q < multiplier; q++) sum += (heap[y++] ?? 0) * (heap[w++] ?? 0);
      heap[to] = sum;
    }
  });
  return dx;
}

/** The gradient of a depthwise convolution with respect to its filter `[rows, columns, channels, multiplier]`. */
export function depthwiseBackpropFilter({ inputs: { x, dy }, backend, attrs }: FilterArgs): TensorInfo {
  const g = convGeometry(x.shape, attrs.filterShape, dy, attrs, true);
  const scratch = new Scratch(backend);
  const dw = scratch.keep(scratch.allocate(attrs.filterShape));
  const heap = scratch.heap();
  const [x0, dy0, dw0] = [scratch.offset(x), scratch.offset(dy), scratch.offset(dw)];
  const multiplier = attrs.filterShape[3] ?? 1;
  // Sums over all pixels are kept in float64, as the cpu backend keeps them.
  const sums = new Float64Array(util.sizeFromShape(attrs.filterShape));
  forEachPixelTap(g, (xPixel, yPixel, tap) => {
    let y = dy0 + yPixel * g.inChannels * multiplier;
    let to = tap * g.inChannels * multiplier;
    for (let from = x0 + xPixel * g.inChannels, end = from + g.inChannels; from < end; from++) {
      const value = heap[from] ?? 0;
      for (let q = 0; q < multiplier; q++, to++) sums[to] = (sums[to] ?? 0) + value * (heap[y++] ?? 0);
    }
  });
  heap.set(sums, dw0);
  return dw;
}

/** Calls `visit` for every pair of an output pixel and a filter tap that meets the input, with their flat indices. */
function forEachPixelTap(g: ConvGeometry, visit: (xPixel: number, yPixel: number, tap: number) => void): void {
  const { batch, rows, columns } = g;
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < rows.output; row++) {
      for (let tapRow = 0; tapRow < rows.taps; tapRow++) {
        const xRow = inputIndex(rows, row, tapRow);
        if (xRow < 0 || xRow >= rows.input) continue;
        for (let column = 0; column < columns.output; column++) {
          const yPixel = (b * rows.output + row) * columns.output + column;
          for (let tapColumn = 0; tapColumn < columns.taps; tapColumn++) {
            const xColumn = inputIndex(columns, column, tapColumn);
            if (xColumn < 0 || xColumn >= columns.input) continue;
            visit((b * rows.input + xRow) * columns.input + xColumn, yPixel, tapRow * columns.taps + tapColumn);
          }
        }
      }
    }
  }
}

function inputIndex(axis: Axis, output: number, tap: number): number {
  return output * axis.stride + tap * axis.dilation - axis.padBefore;
}
