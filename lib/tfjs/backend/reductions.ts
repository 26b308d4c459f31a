// Sums, means and extremes over axes.
import { util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { native } from '../../runtime/native.js';
import { transposed } from './copies.js';
import { cpuKernel, floatsOf, makeFloats, nativeKernel, run, type NativeKernel, type NativeKernels } from './kernel.js';

type Reduction = 'Sum' | 'Mean' | 'Max' | 'Min';

interface ReductionAttributes {
  axis?: number | number[];
  /** What Max calls it. */
  reductionIndices?: number | number[];
  keepDims: boolean;
}

/** A shape as [outer, reduced, inner], or undefined where what is reduced is not one run of axes. */
function threeAxes(shape: number[], isReduced: readonly boolean[]): [number, number, number] | undefined {
  const sizes: [number, number, number] = [1, 1, 1];
  let at = 0;
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    if (isReduced[axis] === true && at === 0) at = 1;
    if (isReduced[axis] !== true && at === 1) at = 2;
    if (isReduced[axis] === true && at === 2) return undefined;
    sizes[at] = (sizes[at] as number) * size;
  }
  return sizes;
}

/** Sum and the others of a float tensor over axes. */
function reduce(name: Reduction, backend: KernelBackend, x: TensorInfo, axes: number[], shape: number[]): TensorInfo {
  const isReduced = x.shape.map((_, axis) => axes.includes(axis));
  const direct = threeAxes(x.shape, isReduced);
  const all = x.shape.map((_, axis) => axis);
  const kept = all.filter((axis) => isReduced[axis] !== true);
  const source = direct ? x : transposed(name, backend, x, [...kept, ...axes]);
  const sizeOf = (of: number[]): number => of.reduce((size, axis) => size * (x.shape[axis] as number), 1);
  const [outer, reduced, inner] = direct ?? [sizeOf(kept), sizeOf(axes), 1];
  const [output, result] = makeFloats(backend, shape);
  run(name, 'reduce', {
    kind: native().reductions[name],
    outer,
    reduced,
    inner,
    input: floatsOf(backend, source),
    output,
  });
  if (source !== x) backend.disposeData(source.dataId);
  return result;
}

function reduction(name: Reduction): NativeKernel<ReductionAttributes> {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x'] as TensorInfo;
    if (x.dtype !== 'float32' || util.sizeFromShape(x.shape) === 0) return cpuKernel(name, call);
    const axes = util.parseAxisParam((attrs.axis ?? attrs.reductionIndices) as number, x.shape);
    const shape = x.shape.flatMap((size, axis) => (axes.includes(axis) ? (attrs.keepDims ? [1] : []) : [size]));
    return reduce(name, backend, x, axes, shape);
  };
}

/** exp(x - largest) / sum, along the last axis. */
const softmax: NativeKernel<{ dim: number }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['logits'] as TensorInfo;
  const last = x.shape.length - 1;
  const isLast = attrs.dim === last || attrs.dim === -1;
  if (x.dtype !== 'float32' || !isLast || util.sizeFromShape(x.shape) === 0) return cpuKernel('Softmax', call);
  const shape = x.shape.with(last, 1);
  const made: TensorInfo[] = [];
  const keep = (result: TensorInfo | TensorInfo[]): TensorInfo => {
    made.push(result as TensorInfo);
    return result as TensorInfo;
  };
  const largest = keep(reduce('Max', backend, x, [last], shape));
  const powers = keep(nativeKernel('Exp', { x: keep(nativeKernel('Sub', { a: x, b: largest }, backend)) }, backend));
  const sum = keep(reduce('Sum', backend, powers, [last], shape));
  const result = nativeKernel('RealDiv', { a: powers, b: sum }, backend);
  for (const { dataId } of made) backend.disposeData(dataId);
  return result;
};

export const reductionKernels: NativeKernels = {
  Max: reduction('Max'),
  Mean: reduction('Mean'),
  Min: reduction('Min'),
  Softmax: softmax,
  Sum: reduction('Sum'),
};
