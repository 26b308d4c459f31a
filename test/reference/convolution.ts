// Convolutions and their gradients by their definition, in float64: over all products of a pixel with a place of the filter.

export interface ConvolutionOptions {
  inputShape: readonly number[];
  filterShape: readonly number[];
  strides?: number | readonly [number, number];
  dilations?: number | readonly [number, number];
  pad?: 'same' | 'valid' | number | readonly [readonly [number, number], readonly [number, number]];
}

type Values = ArrayLike<number>;

interface Axis {
  outputs: number;
  /** Of the input, read by an output for a place of the filter; outside of the image there are zeros. */
  at(output: number, place: number): number;
}

function axisOf(size: number, filter: number, options: ConvolutionOptions, axis: 0 | 1): Axis {
  const of = (pair: number | readonly [number, number] = 1) => (typeof pair === 'number' ? pair : pair[axis]);
  const [stride, dilation] = [of(options.strides), of(options.dilations)];
  const reach = (filter - 1) * dilation;
  const { pad = 'valid' } = options;
  let [before, after] = [0, 0];
  if (pad === 'same') {
    // Zeros are added, in turn after and before, until there are enough outputs.
    const enough = Math.ceil(size / stride);
    while (size + before + after - reach < 1 + (enough - 1) * stride) {
      if (after > before) before++;
      else after++;
    }
    return { outputs: enough, at: (output, place) => output * stride + place * dilation - before };
  }
  if (pad !== 'valid') [before, after] = typeof pad === 'number' ? [pad, pad] : pad[axis];
  let outputs = 0;
  while (outputs * stride + reach < size + before + after) outputs++;
  return { outputs, at: (output, place) => output * stride + place * dilation - before };
}

/** Rows and columns of the output. */
export function outputSize(options: ConvolutionOptions): [rows: number, columns: number] {
  const [, height, width] = options.inputShape as [number, number, number];
  const [filterHeight, filterWidth] = options.filterShape as [number, number];
  return [axisOf(height, filterHeight, options, 0).outputs, axisOf(width, filterWidth, options, 1).outputs];
}

/** Visits every product once: the places of its factors in input and filter, and of the sum that it belongs to. */
function forEachProduct(
  options: ConvolutionOptions,
  visit: (input: number, filter: number, output: number) => void,
): void {
  const [images, height, width, channels] = options.inputShape as [number, number, number, number];
  const [filterHeight, filterWidth, , filters] = options.filterShape as [number, number, number, number];
  const rows = axisOf(height, filterHeight, options, 0);
  const columns = axisOf(width, filterWidth, options, 1);
  for (let image = 0; image < images; image++) {
    for (let y = 0; y < rows.outputs; y++) {
      for (let x = 0; x < columns.outputs; x++) {
        const output = ((image * rows.outputs + y) * columns.outputs + x) * filters;
        for (let i = 0; i < filterHeight; i++) {
          const row = rows.at(y, i);
          if (row < 0 || row >= height) continue;
          for (let j = 0; j < filterWidth; j++) {
            const column = columns.at(x, j);
            if (column < 0 || column >= width) continue;
            const input = ((image * height + row) * width + column) * channels;
            const filter = (i * filterWidth + j) * channels * filters;
            for (let c = 0; c < channels; c++) {
              for (let f = 0; f < filters; f++) visit(input + c, filter + c * filters + f, output + f);
            }
          }
        }
      }
    }
  }
}

const product = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

export function convolutionReference(
  input: Values,
  filter: Values,
  options: ConvolutionOptions & { bias?: Values; activation?: string },
): Float64Array {
  const filters = options.filterShape[3]!;
  const { bias, activation = 'linear' } = options;
  const output = new Float64Array(product([options.inputShape[0]!, ...outputSize(options), filters]));
  forEachProduct(options, (i, j, k) => (output[k]! += input[i]! * filter[j]!));
  const clamp = {
    linear: (v: number) => v,
    relu: (v: number) => Math.max(v, 0),
    relu6: (v: number) => Math.min(Math.max(v, 0), 6),
  };
  return output.map((sum, k) => clamp[activation as keyof typeof clamp](sum + (bias?.[k % filters] ?? 0)));
}

export function inputGradReference(outputGrad: Values, filter: Values, options: ConvolutionOptions): Float64Array {
  const grad = new Float64Array(product(options.inputShape));
  forEachProduct(options, (i, j, k) => (grad[i]! += outputGrad[k]! * filter[j]!));
  return grad;
}

export function filterGradReference(input: Values, outputGrad: Values, options: ConvolutionOptions): Float64Array {
  const grad = new Float64Array(product(options.filterShape));
  forEachProduct(options, (i, j, k) => (grad[j]! += input[i]! * outputGrad[k]!));
  return grad;
}
