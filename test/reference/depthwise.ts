// Depthwise convolutions in float64: as dense ones, whose filter is zero but where a channel meets its own.
import {
  convolutionReference,
  filterGradReference,
  inputGradReference,
  type ConvolutionOptions,
} from './convolution.js';

/** A filter [height, width, channels, multiplier] as one of [height, width, channels, channels * multiplier]. */
function dense(filter: Float32Array, channels: number, multiplier: number): Float32Array {
  const filters = channels * multiplier;
  const all = new Float32Array(filter.length * channels);
  filter.forEach((value, i) => {
    const [tap, own] = [Math.floor(i / filters), i % filters];
    all[(tap * channels + Math.floor(own / multiplier)) * filters + own] = value;
  });
  return all;
}

function ownOf(all: Float64Array, channels: number, multiplier: number): Float64Array {
  const filters = channels * multiplier;
  const own = (i: number) =>
    (Math.floor(i / filters) * channels + Math.floor((i % filters) / multiplier)) * filters + (i % filters);
  return Float64Array.from({ length: all.length / channels }, (_, i) => all[own(i)]!);
}

/** The three of a geometry, whose filterShape's last number does not count, with so many filters a channel. */
export function depthwiseReference(of: ConvolutionOptions, multiplier = 1) {
  const channels = of.inputShape[3]!;
  const geometry = { ...of, filterShape: [...of.filterShape.slice(0, 2), channels, channels * multiplier] };
  return {
    forward: (x: Float32Array, w: Float32Array) => convolutionReference(x, dense(w, channels, multiplier), geometry),
    inputGrad: (dy: Float32Array, w: Float32Array) => inputGradReference(dy, dense(w, channels, multiplier), geometry),
    filterGrad: (x: Float32Array, dy: Float32Array) =>
      ownOf(filterGradReference(x, dy, geometry), channels, multiplier),
  };
}

/** Of values whose last axis has so many channels those that are asked for. */
export function channelsOf(values: Float32Array, channels: number, taken: readonly number[]): Float32Array {
  const { length } = taken;
  const count = (values.length / channels) * length;
  return Float32Array.from(
    { length: count },
    (_, i) => values[Math.floor(i / length) * channels + taken[i % length]!]!,
  );
}
