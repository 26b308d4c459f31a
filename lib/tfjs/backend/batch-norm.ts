// Batch normalization, and the sums that its gradients are made of.
import { util, type TensorInfo } from '@tensorflow/tfjs-core';
import { cpuKernel, floatsOf, makeFloats, run, type NativeKernel, type NativeKernels } from './kernel.js';

/** TensorFlow.js' default. */
const EPSILON = 0.001;

/** Whether statistics are by channel, those of the last axis. */
export function isByChannel(x: TensorInfo, ...statistics: (TensorInfo | undefined)[]): boolean {
  const channels = x.shape.at(-1);
  return statistics.every((of) => of === undefined || (of.shape.length === 1 && of.shape[0] === channels));
}

/** scale / sqrt(variance + epsilon), by channels. */
function factorOf(variance: Float32Array, scale: Float32Array | undefined, epsilon: number): Float32Array {
  return variance.map((value, i) => (scale?.[i] ?? 1) / Math.sqrt(value + epsilon));
}

const fusedBatchNorm: NativeKernel<{ varianceEpsilon?: number | null }> = (call) => {
  const { inputs, attrs, backend } = call;
  const [x, mean, variance] = [inputs['x'], inputs['mean'], inputs['variance']] as [TensorInfo, TensorInfo, TensorInfo];
  const { scale, offset } = inputs as Partial<Record<'scale' | 'offset', TensorInfo>>;
  if (x.dtype !== 'float32' || !isByChannel(x, mean, variance, scale, offset)) return cpuKernel('FusedBatchNorm', call);
  const channels = mean.shape[0] as number;
  const [output, result] = makeFloats(backend, x.shape);
  const scales = scale && floatsOf(backend, scale);
  run('FusedBatchNorm', 'batchNorm', {
    pixels: channels === 0 ? 0 : output.length / channels,
    channels,
    mean: floatsOf(backend, mean),
    factor: factorOf(floatsOf(backend, variance), scales, attrs.varianceEpsilon ?? EPSILON),
    offset: offset ? floatsOf(backend, offset) : new Float32Array(channels),
    input: floatsOf(backend, x),
    output,
  });
  return result;
};

/** By channels the sums over pixels of dy and of dy (x - mean). */
const batchNormSums: NativeKernel<undefined> = ({ inputs, backend }) => {
  const [x, dy, mean] = [inputs['x'], inputs['dy'], inputs['mean']] as [TensorInfo, TensorInfo, TensorInfo];
  const channels = mean.shape[0] as number;
  const [sums, result] = makeFloats(backend, [2, channels]);
  run('FusedBatchNormSums', 'batchNormSums', {
    pixels: channels === 0 ? 0 : util.sizeFromShape(x.shape) / channels,
    channels,
    mean: floatsOf(backend, mean),
    input: floatsOf(backend, x),
    outputGrad: floatsOf(backend, dy),
    sums,
  });
  return result;
};

export const batchNormKernels: NativeKernels = {
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormSums: batchNormSums,
};
