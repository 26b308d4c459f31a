// Kernels that only move elements.
import { backend_util, slice_util, util, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { cpuKernel, floatsOf, makeFloats, run, type NativeKernel, type NativeKernels } from './kernel.js';

/** Elements of an array: the first one's place, and how far the next is along each axis. */
interface Places {
  array: Float32Array;
  offset: number;
  strides: readonly number[];
}

/** Copies elements of a shape from places to places. */
export function copyElements(name: string, shape: readonly number[], from: Places, to: Places): void {
  run(name, 'stridedCopy', {
    shape: Float64Array.from(shape),
    input: from.array,
    inputOffset: from.offset,
    inputStrides: Float64Array.from(from.strides),
    output: to.array,
    outputOffset: to.offset,
    outputStrides: Float64Array.from(to.strides),
  });
}

/** From an element of a row-major array to the next along each axis. */
export function stridesOf(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((_, i) => (i === 0 ? 1 : (stride *= shape[shape.length - i] as number))).reverse();
}

function offsetOf(place: readonly number[], strides: readonly number[]): number {
  return place.reduce((offset, index, axis) => offset + index * (strides[axis] as number), 0);
}

/** A new tensor of a shape, whose elements stand at such places of another. */
function gather(name: string, backend: KernelBackend, shape: number[], from: Places): TensorInfo {
  const [array, result] = makeFloats(backend, shape);
  copyElements(name, shape, from, { array, offset: 0, strides: stridesOf(shape) });
  return result;
}

function part(name: string, backend: KernelBackend, x: TensorInfo, begin: number[], size: number[]): TensorInfo {
  const strides = stridesOf(x.shape);
  return gather(name, backend, size, { array: floatsOf(backend, x), offset: offsetOf(begin, strides), strides });
}

const slice: NativeKernel<{ begin: number | number[]; size: number | number[] }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['x'] as TensorInfo;
  const [begin, size] = slice_util.parseSliceParams(x, attrs.begin, attrs.size) as [number[], number[]];
  slice_util.assertParamsValid(x, begin, size);
  // What lies in one run, the cpu backend does not copy.
  const isRun = slice_util.isSliceContinous(x.shape, begin, size);
  if (x.dtype !== 'float32' || isRun) return cpuKernel('Slice', call);
  return part('Slice', backend, x, begin, size);
};

const splitV: NativeKernel<{ numOrSizeSplits: number[] | number; axis: number }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['x'] as TensorInfo;
  const axis = util.parseAxisParam(attrs.axis, x.shape)[0] as number;
  if (x.dtype !== 'float32' || util.sizeFromShape(x.shape.slice(0, axis)) === 1) return cpuKernel('SplitV', call);
  const begin = x.shape.map(() => 0);
  return backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis).map((size) => {
    const result = part('SplitV', backend, x, begin, x.shape.with(axis, size));
    begin[axis] = (begin[axis] as number) + size;
    return result;
  });
};

const concat: NativeKernel<{ axis: number }> = (call) => {
  const { attrs, backend } = call;
  const tensors = call.inputs as unknown as TensorInfo[];
  const full = tensors.filter(({ shape }) => util.sizeFromShape(shape) > 0);
  if (full.length === 1 || tensors.some(({ dtype }) => dtype !== 'float32')) return cpuKernel('Concat', call);
  const shapes = tensors.map(({ shape }) => shape);
  const axis = util.parseAxisParam(attrs.axis, shapes[0] as number[])[0] as number;
  backend_util.assertParamsConsistent(shapes, axis);
  const shape = backend_util.computeOutShape(shapes, axis);
  const [output, result] = makeFloats(backend, shape);
  const strides = stridesOf(shape);
  let offset = 0;
  for (const tensor of full) {
    const from = { array: floatsOf(backend, tensor), offset: 0, strides: stridesOf(tensor.shape) };
    copyElements('Concat', tensor.shape, from, { array: output, offset, strides });
    offset += (tensor.shape[axis] as number) * (strides[axis] as number);
  }
  return result;
};

const padV2: NativeKernel<{ paddings: [number, number][]; constantValue: number }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['x'] as TensorInfo;
  if (x.dtype !== 'float32') return cpuKernel('PadV2', call);
  const { paddings, constantValue } = attrs;
  const shape = x.shape.map((size, axis) => {
    const [before, after] = paddings[axis] as [number, number];
    return before + size + after;
  });
  const [output, result] = makeFloats(backend, shape);
  output.fill(constantValue);
  const strides = stridesOf(shape);
  const offset = offsetOf(
    paddings.map(([before]) => before),
    strides,
  );
  const from = { array: floatsOf(backend, x), offset: 0, strides: stridesOf(x.shape) };
  copyElements('PadV2', x.shape, from, { array: output, offset, strides });
  return result;
};

/** A tensor with its axes in another order. */
export function transposed(name: string, backend: KernelBackend, x: TensorInfo, order: readonly number[]): TensorInfo {
  const strides = stridesOf(x.shape);
  const of = (values: readonly number[]): number[] => order.map((axis) => values[axis] as number);
  return gather(name, backend, of(x.shape), { array: floatsOf(backend, x), offset: 0, strides: of(strides) });
}

const transpose: NativeKernel<{ perm: number[] }> = (call) => {
  const x = call.inputs['x'] as TensorInfo;
  if (x.dtype !== 'float32') return cpuKernel('Transpose', call);
  return transposed('Transpose', call.backend, x, call.attrs.perm);
};

const tile: NativeKernel<{ reps: number[] }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['x'] as TensorInfo;
  // Each axis as two: of repetitions, and of what is repeated.
  if (x.dtype !== 'float32' || x.shape.length > 4) return cpuKernel('Tile', call);
  const strides = stridesOf(x.shape);
  const shape = x.shape.flatMap((size, axis) => [attrs.reps[axis] as number, size]);
  const from = {
    array: floatsOf(backend, x),
    offset: 0,
    strides: strides.flatMap((stride) => [0, stride]),
  };
  const result = gather('Tile', backend, shape, from);
  return { ...result, shape: x.shape.map((size, axis) => size * (attrs.reps[axis] as number)) };
};

/** A tensor repeated along axes of one element. */
const broadcastTo: NativeKernel<{ shape: number[] }> = ({ inputs, attrs, backend }) => {
  const x = inputs['x'] as TensorInfo;
  const strides = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return gather('BroadcastTo', backend, attrs.shape, { array: floatsOf(backend, x), offset: 0, strides });
};

interface FillAttributes {
  shape: number[];
  value: number | string;
  dtype?: string;
}

function filled(backend: KernelBackend, shape: number[], value: number): TensorInfo {
  const [output, result] = makeFloats(backend, shape);
  output.fill(value);
  return result;
}

const fill: NativeKernel<FillAttributes> = (call) => {
  const { shape, value, dtype } = call.attrs;
  if (typeof value !== 'number' || (dtype ?? 'float32') !== 'float32') return cpuKernel('Fill', call);
  return filled(call.backend, shape, value);
};

function filledLike(name: string, value: number): NativeKernel<undefined> {
  return (call) => {
    const x = call.inputs['x'] as TensorInfo;
    return x.dtype === 'float32' ? filled(call.backend, x.shape, value) : cpuKernel(name, call);
  };
}

export const copyKernels: NativeKernels = {
  BroadcastTo: broadcastTo,
  Concat: concat,
  Fill: fill,
  OnesLike: filledLike('OnesLike', 1),
  PadV2: padV2,
  Slice: slice,
  SplitV: splitV,
  Tile: tile,
  Transpose: transpose,
  ZerosLike: filledLike('ZerosLike', 0),
};
