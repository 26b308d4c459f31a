// Matrix products, as convolutions by filters of one pixel and their gradients: a row is a pixel, a column a channel.
import { backend_util, util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ConvolutionShape } from '../../../binding.js';
import { transposed } from './copies.js';
import {
  cpuKernel,
  finish,
  floatsOf,
  isActivation,
  makeFloats,
  run,
  type NativeCall,
  type NativeKernel,
  type NativeKernels,
} from './kernel.js';

interface MatMulAttributes {
  transposeA: boolean;
  transposeB: boolean;
}

interface FusedAttributes extends MatMulAttributes {
  activation?: string;
  leakyreluAlpha?: number;
}

/** A product of matrices [rows, channels] and [channels, filters]. */
function shapeOf(rows: number, channels: number, filters: number): ConvolutionShape {
  const one = { filterHeight: 1, filterWidth: 1, strideHeight: 1, strideWidth: 1, dilationHeight: 1, dilationWidth: 1 };
  return {
    ...one,
    images: 1,
    height: rows,
    width: 1,
    channels,
    filters,
    outHeight: rows,
    outWidth: 1,
    padTop: 0,
    padLeft: 0,
  };
}

/** output [m, n] = a b, of a [m, k], or [k, m] where it is transposed, and b [k, n], or [n, k]. */
function multiply(
  name: string,
  [a, b, output]: readonly [Float32Array, Float32Array, Float32Array],
  [m, k, n]: readonly [number, number, number],
  { transposeA, transposeB }: MatMulAttributes,
): void {
  if (transposeA) {
    run(name, 'convolutionFilterGrad', { ...shapeOf(k, m, n), input: a, outputGrad: b, filterGrad: output });
  } else if (transposeB) {
    const plain = { addend: null, rectified: null };
    run(name, 'convolutionInputGrad', { ...shapeOf(m, n, k), ...plain, outputGrad: a, filter: b, inputGrad: output });
  } else {
    const plain = { bias: null, addend: null, clamped: false, low: 0, high: 0 };
    run(name, 'convolution', { ...shapeOf(m, k, n), ...plain, input: a, filter: b, output });
  }
}

const batchMatMul: NativeKernel<MatMulAttributes> = (call) => matMul('BatchMatMul', call);

function matMul(name: string, call: NativeCall<MatMulAttributes>): TensorInfo | TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const [a, b] = [inputs['a'], inputs['b']] as [TensorInfo, TensorInfo];
  const isEmpty = util.sizeFromShape(a.shape) === 0 || util.sizeFromShape(b.shape) === 0;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || isEmpty) return cpuKernel('BatchMatMul', call);
  if (attrs.transposeA && attrs.transposeB) return bothTransposed(name, backend, a, b);
  const [[aRows, aColumns], [bRows, bColumns]] = [matrixOf(a), matrixOf(b)];
  const [m, k] = attrs.transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = attrs.transposeB ? [bColumns, bRows] : [bRows, bColumns];
  util.assert(k === inner, () => `${name}: inner shapes of ${String(a.shape)} and ${String(b.shape)} must match`);
  const outer = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [output, result] = makeFloats(backend, [...outer, m, n]);
  const [aValues, bValues] = [floatsOf(backend, a), floatsOf(backend, b)];
  const part = (values: Float32Array, index: number, size: number): Float32Array =>
    values.subarray(index * size, (index + 1) * size);
  const [aIndices, bIndices] = [broadcastIndices(a, outer), broadcastIndices(b, outer)];
  for (const [i, aIndex] of aIndices.entries()) {
    const operands = [
      part(aValues, aIndex, m * k),
      part(bValues, bIndices[i] as number, k * n),
      part(output, i, m * n),
    ] as const;
    multiply(name, operands, [m, k, n], attrs);
  }
  return result;
}

/** Of each matrix of a product, in order, that of an operand which broadcasts to it. */
function broadcastIndices({ shape }: TensorInfo, outer: number[]): number[] {
  const missing = outer.length - (shape.length - 2);
  let indices = [0];
  outer.forEach((size, axis) => {
    const of = axis < missing ? 1 : (shape[axis - missing] as number);
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index * of + (of === 1 ? 0 : i)));
  });
  return indices;
}

function matrixOf({ shape }: TensorInfo): [number, number] {
  return shape.slice(-2) as [number, number];
}

/** (b a) transposed. */
function bothTransposed(name: string, backend: KernelBackend, a: TensorInfo, b: TensorInfo): TensorInfo {
  const attrs = { transposeA: false, transposeB: false };
  const product = matMul(name, { inputs: { a: b, b: a }, attrs, backend }) as TensorInfo;
  const rank = product.shape.length;
  const axes = product.shape.map((_, axis) => axis);
  const result = transposed(name, backend, product, [...axes.slice(0, -2), rank - 1, rank - 2]);
  backend.disposeData(product.dataId);
  return result;
}

const fusedMatMul: NativeKernel<FusedAttributes> = (call) => {
  const { inputs, attrs, backend } = call;
  const { activation, leakyreluAlpha } = attrs;
  if (!isActivation(activation ?? 'linear')) return cpuKernel('_FusedMatMul', call);
  const { bias, preluActivationWeights } = inputs as Partial<Record<string, TensorInfo>>;
  const product = matMul('_FusedMatMul', call) as TensorInfo;
  return finish(product, backend, { bias, activation, leakyreluAlpha, preluActivationWeights });
};

export const matMulKernels: NativeKernels = {
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
};
