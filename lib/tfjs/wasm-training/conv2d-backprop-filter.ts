import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Axis, type ConvAttrs, type ConvGeometry, convGeometry, isEmpty, toChannelsLast } from './geometry.js';
import { reshaped, type Scratch, type WasmKernelArgs, withScratch } from './scratch.js';

/**
 * Terms that the backend may sum one after the other in float32: more would cost digits (24,000 gave errors up to 7e-6 of
 * the largest value), so longer sums are split and the parts added.
 */
const longestSum = 8192;

type Args = WasmKernelArgs<{ x: TensorInfo; dy: TensorInfo }, ConvAttrs & { filterShape: number[] }>;

/**
 * The gradient of a convolution with respect to its filter,
 * `dW[kh, kw, ci, co] = sum over b, oh, ow of x[b, oh * stride + kh * dilation - pad, .., ci] * dy[b, oh, ow, co]`,
 * from forward kernels: those run on XNNPACK, ten times as fast as loops would.
 */
export function conv2DBackpropFilter({ inputs, backend, attrs }: Args): TensorInfo {
  const geometry = convGeometry(inputs.x.shape, attrs.filterShape, inputs.dy, attrs);
  return withScratch(backend, (scratch) => {
    if (isEmpty(geometry)) return scratch.zeros(attrs.filterShape);
    const x = toChannelsLast(scratch, inputs.x, geometry);
    const dy = toChannelsLast(scratch, inputs.dy, geometry);
    const dw = isPointwise(geometry) ? pointwise(scratch, x, dy, geometry) : spatial(scratch, x, dy, geometry);
    dw.shape = attrs.filterShape;
    return dw;
  });
}

/** Every output pixel reads one input pixel, none of the padding. */
function isPointwise({ rows, columns }: ConvGeometry): boolean {
  const reads = ({ taps, padBefore, output, stride, input }: Axis): boolean =>
    taps === 1 && padBefore === 0 && (output - 1) * stride < input;
  return reads(rows) && reads(columns);
}

/**
 * 1x1: a matrix product over all pixels, `x^T dy` or its transpose. XNNPACK packs the right factor, which costs more an
 * element than transposing the left one, so the side with fewer channels goes right.
 */
function pointwise(scratch: Scratch, x: TensorInfo, dy: TensorInfo, g: ConvGeometry): TensorInfo {
  const pixels = g.batch * g.rows.output * g.columns.output;
  const inputs = reshaped(subsampled(scratch, x, g), [pixels, g.inChannels]);
  const gradients = reshaped(dy, [pixels, g.outChannels]);
  if (g.outChannels <= g.inChannels) return transposedProduct(scratch, inputs, gradients);
  return scratch.transpose(transposedProduct(scratch, gradients, inputs), [1, 0]);
}

/** `[K, M], [K, N] -> [M, N]`, the sum over K in parts short enough for packing and transposing to stay in the cache. */
function transposedProduct(scratch: Scratch, a: TensorInfo, b: TensorInfo): TensorInfo {
  const [terms, m] = a.shape as [number, number];
  const n = b.shape[1] ?? 0;
  const termsAtOnce = 1000;
  const out = scratch.zeros([m, n]);
  for (let first = 0; first < terms; first += termsAtOnce) {
    const count = Math.min(termsAtOnce, terms - first);
    const left = scratch.view(a, first * m, [count, m]);
    const transposed = scratch.transpose(left, [1, 0]);
    const right = scratch.view(b, first * n, [1, count, n]);
    const product = scratch.matMul(reshaped(transposed, [1, m, count]), right);
    addTo(scratch, out, 0, product, 0, m * n);
    for (const used of [left, transposed, right, product]) scratch.release(used);
  }
  return out;
}

/** Adds `length` elements of `source`, from `sourceStart` on, to those of `target` from `targetStart` on. */
function addTo(
  scratch: Scratch,
  target: TensorInfo,
  targetStart: number,
  source: TensorInfo,
  sourceStart: number,
  length: number,
): void {
  const heap = scratch.heap();
  let from = scratch.offset(source) + sourceStart;
  let to = scratch.offset(target) + targetStart;
  for (const end = to + length; to < end; to++, from++) heap[to] = (heap[to] ?? 0) + (heap[from] ?? 0);
}

/** The pixels of `x` that a strided 1x1 convolution reads. */
function subsampled(scratch: Scratch, x: TensorInfo, g: ConvGeometry): TensorInfo {
  const { batch, rows, columns, inChannels } = g;
  if (rows.input === rows.output && columns.input === columns.output && rows.stride * columns.stride === 1) return x;
  const out = scratch.allocate([batch, rows.output, columns.output, inChannels]);
  const heap = scratch.heap();
  const source = scratch.offset(x);
  let target = scratch.offset(out);
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < rows.output; row++) {
      const start = source + (b * rows.input + row * rows.stride) * columns.input * inChannels;
      for (let column = 0; column < columns.output; column++, target += inChannels) {
        const pixel = start + column * columns.stride * inChannels;
        heap.copyWithin(target, pixel, pixel + inChannels);
      }
    }
  }
  return out;
}

/**
 * Any filter: one forward convolution for each filter column, with the roles exchanged. Input channels become pixels,
 * and what is summed over (images, output columns) becomes channels:
 *
 *     input  [1, rows, inChannels, images * columns]     x, transposed
 *     filter [output rows, 1, images * columns, outChannels]     dy, packed once for all filter columns
 *     output [1, filter rows, inChannels, outChannels]     dilation = the stride, stride = the dilation
 *
 * Neighbouring filter columns read the same transposed `x` a few elements further on, so they are views of one array:
 * no im2col. For that every image's row has the same length `pitch` in `x` and in `dy`, whose extra columns are zero. A
 * shifted view reads past the end of a row into the left padding of the next one, which serves both.
 * With a stride, the array holds each of the `stride` interleaved column sets ("phases") by itself.
 */
function spatial(scratch: Scratch, x: TensorInfo, dy: TensorInfo, g: ConvGeometry): TensorInfo {
  const { batch, rows, columns, inChannels, outChannels } = g;
  const { stride, dilation, padBefore } = columns;
  // The next row in memory may be another phase's, so a view overruns only by slots that the padding fills in all of them.
  const slots = Math.floor(((columns.output - 1) * stride + (columns.taps - 1) * dilation) / stride) + 1;
  const pitch = Math.max(
    columns.output,
    Math.ceil((padBefore + columns.input) / stride),
    slots - Math.floor(padBefore / stride),
  );
  const usedRows = (rows.output - 1) * rows.stride + (rows.taps - 1) * rows.dilation + 1;
  // One more row, of zeros, for the last view to read past its end.
  const allRows = Math.max(rows.padBefore + rows.input, usedRows) + 1;

  const summed = batch * pitch;
  const padded = rowsFirst(scratch, x, [rows.padBefore, allRows], [padBefore, pitch * stride]);
  const phases = scratch.transpose(reshaped(padded, [allRows, summed, stride * inChannels]), [0, 2, 1]);
  scratch.release(padded);
  const paddedDy = rowsFirst(scratch, dy, [0, rows.output], [0, pitch]);

  const dw = scratch.zeros([rows.taps, columns.taps, inChannels, outChannels]);
  const matrix = inChannels * outChannels;
  const rowsPerSum = Math.max(1, Math.floor(longestSum / summed));
  for (let first = 0; first < rows.output; first += rowsPerSum) {
    const count = Math.min(rowsPerSum, rows.output - first);
    const filter = scratch.view(paddedDy, first * summed * outChannels, [count, 1, summed, outChannels]);
    // A row of x is `stride` rows of the view, one for each phase.
    const viewRows = ((count - 1) * rows.stride + (rows.taps - 1) * rows.dilation) * stride + 1;
    for (let tap = 0; tap < columns.taps; tap++) {
      const viewRow = first * rows.stride * stride + ((tap * dilation) % stride);
      const shift = Math.floor((tap * dilation) / stride);
      const start = viewRow * inChannels * summed + shift;
      const view = scratch.view(phases, start, [1, viewRows, inChannels, summed]);
      const column = scratch.conv2d(view, filter, {
        strides: [rows.dilation * stride, 1],
        dilations: [rows.stride * stride, 1],
      });
      for (let row = 0; row < rows.taps; row++) {
        addTo(scratch, dw, (row * columns.taps + tap) * matrix, column, row * matrix, matrix);
      }
      scratch.release(view);
      scratch.release(column);
    }
    // Frees its packed copy as well.
    scratch.release(filter);
  }
  return dw;
}

/**
 * `[images, rows, columns, channels]` -> `[allRows, images, allColumns, channels]`, with `before` zeros before the values of
 * either dimension and as many after as fit. Whole rows are copied at once, many times faster than by padding and
 * transposing with the backend's kernels.
 */
function rowsFirst(
  scratch: Scratch,
  x: TensorInfo,
  [rowsBefore, allRows]: [number, number],
  [columnsBefore, allColumns]: [number, number],
): TensorInfo {
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const out = scratch.zeros([allRows, batch, allColumns, channels]);
  const heap = scratch.heap();
  const length = columns * channels;
  const target = scratch.offset(out);
  let from = scratch.offset(x);
  for (let b = 0; b < batch; b++) {
    for (let row = 0; row < rows; row++, from += length) {
      const to = target + (((rowsBefore + row) * batch + b) * allColumns + columnsBefore) * channels;
      heap.copyWithin(to, from, from + length);
    }
  }
  return out;
}
