// Which tensors a ReLU gave, and which gradients have been through it already: on the native backend a convolution that reads such a
// tensor computes the ReLU's gradient along with its own, in one pass over memory.
import { getGradient, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

/** Data of tensors that a ReLU gave. */
const given = new WeakSet<object>();

/** From the data of gradients to those of the ReLU's result. */
const passed = new WeakMap<object, object>();

/** Notes that a ReLU gave it. */
export function givenByRelu<T extends TensorInfo>(y: T): T {
  given.add(y.dataId);
  return y;
}

export function isGivenByRelu({ dataId }: TensorInfo): boolean {
  return given.has(dataId);
}

/** Notes that it is 0 wherever y is. */
export function passedRelu<T extends TensorInfo>(dy: T, y: TensorInfo): T {
  passed.set(dy.dataId, y.dataId);
  return dy;
}

/** The gradient by what a ReLU took, from that by what it gave: y is positive where what it took is. */
export function reluGradient(dy: Tensor, y: Tensor): Tensor {
  if (passed.get(dy.dataId) === y.dataId) return dy;
  return getGradient('Relu').gradFunc(dy, [y], {})['x']!();
}
