// What kernels of the native backend are, and how they reach the memory of tensors.
import {
  getKernel,
  type KernelBackend,
  type KernelFunc,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';

/** What a kernel is called with; the registry types backends, inputs and attributes as anything. */
export interface NativeCall<Attrs> {
  inputs: NamedTensorInfoMap;
  attrs: Attrs;
  backend: KernelBackend;
}
export type NativeKernel<Attrs> = (call: NativeCall<Attrs>) => TensorInfo | TensorInfo[];

/** What the cpu backend does with the call: the native backend's tensors are the same to it. */
export function cpuKernel(name: string, call: NativeCall<unknown>): TensorInfo | TensorInfo[] {
  return getKernel(name, 'cpu').kernelFunc(call as Parameters<KernelFunc>[0]);
}

/** The values of a float tensor, in place. */
export function floatsOf(backend: KernelBackend, { dataId }: TensorInfo): Float32Array {
  return backend.readSync(dataId) as Float32Array;
}

/** A new float tensor, and its values, which the kernel writes all of. */
export function makeFloats(backend: KernelBackend, shape: number[]): [Float32Array, TensorInfo] {
  const values = new Float32Array(shape.reduce((product, side) => product * side, 1));
  return [values, { dataId: backend.write(values, shape, 'float32'), shape, dtype: 'float32' }];
}
