// Operations as kernels and gradients of TensorFlow.js's engine.
import {
  backend,
  engine,
  getBackend,
  getKernel,
  mul,
  reshape,
  registerGradient,
  registerKernel,
  tidy,
  unregisterKernel,
  type GradConfig,
  type KernelBackend,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type NamedTensorMap,
  type Tensor,
  type TensorContainer,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { RetinanetOpsError } from '../arguments/errors.js';

/** What a kernel is called with. */
export interface KernelCall<Attrs> {
  inputs: NamedTensorInfoMap;
  backend: KernelBackend;
  attrs: Attrs;
}

/** The gradient of a kernel, or why it has none. */
export type Gradient = Omit<GradConfig, 'kernelName'> | string;

/**
 * Registers a gradient now and its kernel on whichever backend is current when it is called: kernels read and write through
 * what every backend offers, so backends added later work too. Returns what runs the kernel; as for built-in operations its
 * outputs are tracked by the scope around it.
 */
export function defineKernel<Attrs extends object>(
  kernelName: string,
  kernel: (call: KernelCall<Attrs>) => TensorInfo[],
  gradient: Gradient,
): (inputs: NamedTensorMap, attrs: Attrs) => Tensor[] {
  registerGradient({
    kernelName,
    ...(typeof gradient === 'string' ? { gradFunc: () => noGradient(gradient) } : gradient),
  });
  // The registry types backends, inputs and attributes as anything.
  const kernelFunc = kernel as unknown as KernelFunc;
  return (inputs, attrs) => {
    const backendName = currentBackend();
    // Another copy of this package may have registered its own.
    const registered = getKernel(kernelName, backendName) as KernelConfig | undefined;
    if (registered?.kernelFunc !== kernelFunc) {
      if (registered !== undefined) unregisterKernel(kernelName, backendName);
      registerKernel({ kernelName, backendName, kernelFunc });
    }
    return engine().runKernel(kernelName, inputs, attrs as NamedAttrMap);
  };
}

function currentBackend(): string {
  // Before the first operation there may be none; asked for it, the engine picks one.
  const name = getBackend() as string | null | undefined;
  if (name === null || name === undefined) backend();
  return getBackend();
}

/** tf.tidy for any result: what `body` makes and does not return is disposed. */
export function scoped<Result>(body: () => Result): Result {
  return tidy(body as () => TensorContainer) as Result;
}

export function noGradient(why: string): never {
  throw new RetinanetOpsError('ERR_GRADIENT', why);
}

/** Gradients for inputs that have none. They are asked for only where the differentiated variable lies behind such an input. */
export function noGradients(operation: string, inputs: readonly string[]): Record<string, () => never> {
  return Object.fromEntries(
    inputs.map((input) => [input, () => noGradient(`${operation}: not differentiable by ${input}`)]),
  );
}

/**
 * The upstream gradient, a scalar, or of the derivative's own shape, or of that without the last axis, of which one loss was made;
 * times a derivative that the forward pass computed. While an outer gradient is being recorded this throws: the tape would take the
 * derivative for a constant.
 */
export function chainRule(operation: string, derivative: Tensor, upstream: Tensor): Tensor {
  if (engine().isTapeOn())
    noGradient(`${operation}: no second derivatives; expected a gradient outside of other gradients`);
  if (upstream.rank === 0 && upstream.dataSync()[0] === 1) return derivative.clone();
  const isByRow = upstream.rank > 0 && upstream.rank < derivative.rank;
  return mul(derivative, isByRow ? reshape(upstream, [...upstream.shape, 1]) : upstream);
}
