// What the losses have in common: three kernels each, and the gradient of the first.
import { engine, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Reduction } from '../arguments/loss-options.js';
import { chainRule, defineKernel, noGradient, type KernelCall } from './engine.js';
import { compute, write, type Arrays } from './memory.js';

/** The attributes that every loss has; `withDerivative` makes the forward kernel save it for the gradient. */
interface LossAttrs {
  reduction?: Reduction;
}

type Inputs = Record<string, Tensor>;

/** A loss on typed arrays. `inputs` holds what the operation named so. */
interface Loss<Attrs> {
  operation: string;
  /** The input that has the shape of the gradient. */
  predictions: string;
  value(inputs: Arrays, attrs: Attrs, out: Float32Array | undefined): number | Float32Array;
  valueAndGrad(
    inputs: Arrays,
    attrs: Attrs,
    out: { grad: Float32Array; losses?: Float32Array },
  ): { loss: number | Float32Array; numPositives?: number };
  backward(inputs: Arrays, attrs: Attrs & { gradOutput?: number }, out: Float32Array): Float32Array;
  /** The gradients by all inputs, given the one by the predictions. */
  gradients(byPredictions: () => Tensor): Record<string, () => Tensor>;
}

interface LossKernels<Attrs> {
  value(inputs: Inputs, attrs: Attrs): Tensor;
  valueAndGrad(inputs: Inputs, attrs: Attrs): { loss: Tensor; grad: Tensor; numPositives: Tensor };
  backward(inputs: Inputs, attrs: Attrs & { gradOutput?: number }): Tensor;
}

export function defineLoss<Attrs extends LossAttrs>(loss: Loss<Attrs>): LossKernels<Attrs> {
  const kernelName = `RetinanetOps${(loss.operation[0] as string).toUpperCase()}${loss.operation.slice(1)}`;
  const shapeOf = (call: KernelCall<unknown>): number[] => (call.inputs[loss.predictions] as TensorInfo).shape;

  function forward(call: KernelCall<Attrs>): TensorInfo[] {
    const { inputs, backend, attrs } = call;
    const losses = attrs.reduction === 'none' ? (['float32', shapeOf(call)] as ['float32', number[]]) : undefined;
    const { result, tensors } = compute(backend, inputs, { losses }, (x, out) =>
      loss.value(x, attrs, out.floatsIfAny('losses')),
    );
    return [tensors['losses'] ?? write(backend, Float32Array.of(result as number), [])];
  }

  /** [loss, gradient, number of positives] in one pass. */
  function both(call: KernelCall<Attrs>): TensorInfo[] {
    const { inputs, backend, attrs } = call;
    const shape = shapeOf(call);
    const { result, tensors } = compute(
      backend,
      inputs,
      { losses: attrs.reduction === 'none' ? ['float32', shape] : undefined, grad: ['float32', shape] },
      (x, out) => loss.valueAndGrad(x, attrs, { grad: out.floats('grad'), losses: out.floatsIfAny('losses') }),
    );
    return [
      tensors['losses'] ?? write(backend, Float32Array.of(result.loss as number), []),
      tensors['grad'] as TensorInfo,
      write(backend, Int32Array.of(result.numPositives ?? 0), []),
    ];
  }

  const value = defineKernel<Attrs & { withDerivative: boolean }>(
    kernelName,
    (call) => {
      if (!call.attrs.withDerivative) return forward(call);
      const [losses, grad, count] = both(call) as [TensorInfo, TensorInfo, TensorInfo];
      call.backend.disposeData(count.dataId);
      return [losses, grad];
    },
    {
      outputsToSave: [false, true],
      gradFunc: (dy, saved) => {
        const [derivative] = saved;
        if (derivative === undefined) noGradient(`${loss.operation}: expected the kernel to be run by the operation`);
        return loss.gradients(() => chainRule(loss.operation, derivative, (dy as Tensor[])[0] as Tensor));
      },
    },
  );
  const valueAndGrad = defineKernel<Attrs>(
    `${kernelName}ValueAndGrad`,
    both,
    `${loss.operation}ValueAndGrad: not differentiable; use ${loss.operation} inside tf.grads and optimizers`,
  );
  const backward = defineKernel<Attrs & { gradOutput?: number }>(
    `${kernelName}Backward`,
    (call) => {
      const { inputs, backend, attrs } = call;
      const { tensors } = compute(backend, inputs, { grad: ['float32', shapeOf(call)] }, (x, out) =>
        loss.backward(x, attrs, out.floats('grad')),
      );
      return [tensors['grad'] as TensorInfo];
    },
    `${loss.operation}Backward: not differentiable; there are no second derivatives`,
  );

  return {
    // While a gradient is being recorded one pass computes the loss and the derivative that the way back multiplies by.
    value: (inputs, attrs) => value(inputs, { ...attrs, withDerivative: engine().isTapeOn() })[0] as Tensor,
    valueAndGrad(inputs, attrs) {
      const [losses, grad, numPositives] = valueAndGrad(inputs, attrs) as [Tensor, Tensor, Tensor];
      return { loss: losses, grad, numPositives };
    },
    backward: (inputs, attrs) => backward(inputs, attrs)[0] as Tensor,
  };
}
