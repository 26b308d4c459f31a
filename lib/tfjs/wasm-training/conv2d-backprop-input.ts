import type { TensorInfo } from '@tensorflow/tfjs-core';
import {
  type Axis,
  type ConvAttrs,
  type ConvGeometry,
  convGeometry,
  fromChannelsLast,
  isEmpty,
  toChannelsLast,
} from './geometry.js';
import { reshaped, type Scratch, type WasmKernelArgs, withScratch } from './scratch.js';

type Args = WasmKernelArgs<{ dy: TensorInfo; filter: TensorInfo }, ConvAttrs & { inputShape: number[] }>;

/**
 * The gradient of a convolution with respect to its input (and tfjs's transposed convolution).
 *
 * Without a stride it is a convolution of `dy` with the flipped, transposed filter. With one, the input pixels fall into
 * classes by their position modulo the stride, and each class is a stride-1 convolution of `dy` with the filter taps that
 * reach it: no zero is ever multiplied, where dilating `dy` would multiply three of four for stride 2.
 */
export function conv2DBackpropInput({ inputs, backend, attrs }: Args): TensorInfo {
  const geometry = convGeometry(attrs.inputShape, inputs.filter.shape, inputs.dy, attrs);
  return withScratch(backend, (scratch) => {
    const dy = toChannelsLast(scratch, inputs.dy, geometry);
    return fromChannelsLast(scratch, channelsLast(scratch, dy, inputs.filter, geometry), geometry);
  });
}

function channelsLast(scratch: Scratch, dy: TensorInfo, filter: TensorInfo, g: ConvGeometry): TensorInfo {
  const { batch, rows, columns, inChannels, outChannels } = g;
  const shape = [batch, rows.input, columns.input, inChannels];
  if (isEmpty(g)) return scratch.zeros(shape);

  const flat = reshaped(filter, [rows.taps * columns.taps, inChannels, outChannels]);
  const transposed = scratch.transpose(flat, [0, 2, 1]);
  const convolve = (r: PixelClass, c: PixelClass): TensorInfo => {
    const taps = selectTaps(scratch, transposed, r, c, g);
    const part = scratch.conv2d(dy, taps, { rows: r.pad, columns: c.pad, dilations: [r.dilation, c.dilation] });
    scratch.release(taps);
    return part;
  };

  const rowClasses = pixelClasses(rows);
  const columnClasses = pixelClasses(columns);
  const [r0, c0] = [rowClasses[0], columnClasses[0]];
  if (r0 && c0 && isWholeAxis(r0, rows) && isWholeAxis(c0, columns)) return convolve(r0, c0);

  // Zero where no tap reaches: between the taps of a stride above the filter's size, and at borders never read.
  const dx = scratch.zeros(shape);
  for (const r of rowClasses) {
    for (const c of columnClasses) {
      const part = convolve(r, c);
      scatter(scratch, part, dx, r, c);
      scratch.release(part);
    }
  }
  return dx;
}

/** Whether the convolution of one class gives every position of the axis and nothing else. */
function isWholeAxis(c: PixelClass, axis: Axis): boolean {
  return c.step === 1 && c.skipped === 0 && c.count === axis.input && c.length === axis.input;
}

/** Input positions `first + i * step`, i < count: entry `skipped + i` of the convolution of `dy` with `taps`, padded so. */
interface PixelClass {
  /** Indices into the filter, in the order of the convolution. */
  taps: number[];
  dilation: number;
  pad: [number, number];
  /** Size of the convolution's result. */
  length: number;
  skipped: number;
  first: number;
  step: number;
  count: number;
}

/**
 * Along one axis, tap k takes output o to input `o * stride + k * dilation - padBefore`. Taps whose `k * dilation` agree
 * modulo the stride form a class: k = k0 + j * (stride / gcd), and with u = o + j * (dilation / gcd) the input position is
 * `u * stride + k0 * dilation - padBefore`.
 */
function pixelClasses({ input, output, taps, stride, dilation, padBefore }: Axis): PixelClass[] {
  const common = gcd(stride, dilation);
  const tapStep = stride / common;
  const spread = dilation / common;
  const classes: PixelClass[] = [];
  for (let k0 = 0; k0 < Math.min(tapStep, taps); k0++) {
    const count = Math.ceil((taps - k0) / tapStep);
    const reach = (count - 1) * spread;
    const origin = k0 * dilation - padBefore;
    // u runs over everything that dy reaches and the input has.
    const low = Math.max(0, Math.ceil(-origin / stride));
    const high = Math.min(output - 1 + reach, Math.floor((input - 1 - origin) / stride));
    if (low > high) continue;
    const before = Math.max(0, reach - low);
    const after = Math.max(0, high - (output - 1));
    classes.push({
      taps: Array.from({ length: count }, (_, j) => k0 + (count - 1 - j) * tapStep),
      dilation: spread,
      pad: [before, after],
      length: output + before + after - reach,
      // Without padding the convolution begins at u = reach; whatever lies before `low` falls on the forward padding.
      skipped: low - (reach - before),
      first: low * stride + origin,
      step: stride,
      count: high - low + 1,
    });
  }
  return classes;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** `transposed [filter rows * filter columns, outChannels, inChannels]` -> the filter of one class. */
function selectTaps(
  scratch: Scratch,
  transposed: TensorInfo,
  r: PixelClass,
  c: PixelClass,
  g: ConvGeometry,
): TensorInfo {
  const matrix = g.outChannels * g.inChannels;
  const out = scratch.allocate([r.taps.length, c.taps.length, g.outChannels, g.inChannels]);
  const heap = scratch.heap();
  const source = scratch.offset(transposed);
  let target = scratch.offset(out);
  for (const row of r.taps) {
    for (const column of c.taps) {
      const start = source + (row * g.columns.taps + column) * matrix;
      heap.copyWithin(target, start, start + matrix);
      target += matrix;
    }
  }
  return out;
}

/** Writes the pixels of one class to their places in `dx`. */
function scatter(scratch: Scratch, part: TensorInfo, dx: TensorInfo, r: PixelClass, c: PixelClass): void {
  const [batch, partRows, partColumns, channels] = part.shape as [number, number, number, number];
  const [, rows, columns] = dx.shape as [number, number, number, number];
  const heap = scratch.heap();
  const source = scratch.offset(part);
  const target = scratch.offset(dx);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < r.count; i++) {
      let from = source + ((b * partRows + r.skipped + i) * partColumns + c.skipped) * channels;
      let to = target + ((b * rows + r.first + i * r.step) * columns + c.first) * channels;
      if (c.step === 1) {
        heap.copyWithin(to, from, from + c.count * channels);
        continue;
      }
      for (let j = 0; j < c.count; j++, from += channels, to += c.step * channels)
        heap.copyWithin(to, from, from + channels);
    }
  }
}
