// What kernels of the native backend are, and how they reach the memory of tensors.
import {
  getKernel,
  util,
  type KernelBackend,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { Operations } from '../../../binding.js';
import { Check } from '../../arguments/check.js';
import { kindOf } from '../../arguments/typed-arrays.js';
import { plan, type Fields } from '../../runtime/plan.js';
import type { PlainMemory } from './memory.js';

/** The backend's in TensorFlow.js. */
export const NAME = 'native';

/** What a kernel is called with; the registry types backends, inputs and attributes as anything. */
export interface NativeCall<Attrs> {
  inputs: NamedTensorInfoMap;
  attrs: Attrs;
  backend: KernelBackend;
}
export type NativeKernel<Attrs> = (call: NativeCall<Attrs>) => TensorInfo | TensorInfo[];

/** Kernels by their names, of any attributes. */
export type NativeKernels = Record<string, NativeKernel<never>>;

/** What the cpu backend does with the call: the native backend's tensors are the same to it. */
export function cpuKernel(name: string, call: NativeCall<unknown>): TensorInfo | TensorInfo[] {
  return getKernel(name, 'cpu').kernelFunc(call as Parameters<KernelFunc>[0]);
}

/** What a kernel of this backend, which gives one tensor, makes of float tensors. */
export function nativeKernel(
  name: string,
  inputs: NamedTensorInfoMap,
  backend: KernelBackend,
  attrs: NamedAttrMap = {},
): TensorInfo {
  return getKernel(name, NAME).kernelFunc({ inputs, attrs, backend }) as TensorInfo;
}

/** Runs a native operation for the kernel `name`. */
export function run<N extends keyof Operations>(name: string, operation: N, fields: Fields<N>): void {
  plan(new Check(name), operation, fields, () => undefined).runSync();
}

/** The kernels of TensorFlow.js' names of activations. */
const ACTIVATIONS: Partial<Record<string, string>> = {
  elu: 'Elu',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
};

/** What a fused kernel does after its product. */
export interface After {
  bias?: TensorInfo | undefined;
  activation?: string | undefined;
  leakyreluAlpha?: number | undefined;
  preluActivationWeights?: TensorInfo | undefined;
}

export const isActivation = (name: string): boolean => name === 'linear' || ACTIVATIONS[name] !== undefined;

/** The product with what comes after it, in its place: it is disposed of. */
export function finish(product: TensorInfo, backend: KernelBackend, after: After): TensorInfo {
  const { bias, activation = 'linear', leakyreluAlpha = 0.2, preluActivationWeights } = after;
  let current = product;
  const apply = (kernelName: string, inputs: NamedTensorInfoMap): void => {
    const next = nativeKernel(kernelName, inputs, backend, { alpha: leakyreluAlpha });
    backend.disposeData(current.dataId);
    current = next;
  };
  if (bias !== undefined) apply('Add', { a: current, b: bias });
  const name = ACTIVATIONS[activation];
  const alpha = name === 'Prelu' ? { alpha: preluActivationWeights } : undefined;
  if (name !== undefined) apply(name, { x: current, ...alpha });
  return current;
}

/** The values of a tensor as floats, in place where they are such: the cpu backend casts integers without a copy. */
export function floatsOf(backend: KernelBackend, { dataId }: TensorInfo): Float32Array {
  const values = (backend as KernelBackend & PlainMemory).valuesInPlace(dataId);
  return kindOf(values) === 'Float32Array' ? (values as Float32Array) : Float32Array.from(values as Iterable<number>);
}

/** A new float tensor, and its values, of arbitrary content: the kernel writes all of them. */
export function makeFloats(backend: KernelBackend, shape: number[]): [Float32Array, TensorInfo] {
  const values = (backend as KernelBackend & PlainMemory).newFloats(util.sizeFromShape(shape));
  return [values, { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' }];
}
