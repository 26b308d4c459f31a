// A loss on tensors: its three forms, three kernels, and the gradient of the first.
import { engine, type Scalar, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import { Check } from '../arguments/check.js';
import { GRAD_OUTPUT, givenWeights, type Reduction } from '../arguments/loss-options.js';
import type { Table } from '../arguments/options.js';
import type { LossPlans } from '../operations/loss.js';
import { chainRule, defineKernel, noGradient, scoped, type KernelCall } from './engine.js';
import { compute, write, type Arrays } from './memory.js';
import { expectShape, floats, splitOptions, type Input, type SplitOptions } from './tensors.js';

/** A scalar, or with reduction 'none' a loss for every element. */
export type TensorReduced<R extends Reduction> = R extends 'none' ? Tensor : Scalar;

type Inputs = Record<string, Tensor>;
type Attrs = Record<string, unknown> & { reduction?: Reduction };

interface Loss<T extends Table> {
  operation: string;
  /** What the operation calls its first argument, whose shape the gradient has. */
  predictions: string;
  plans: LossPlans<T>;
  /** The arguments as tensors: `predictions`, `targets` and, where they are given, `weights`; with what they tell about options. */
  read(call: LossCall<T>): { inputs: Inputs; attrs?: Attrs };
  /** The gradients by all inputs, given the one by the predictions. */
  gradients(byPredictions: () => Tensor): Record<string, () => Tensor>;
}

export interface LossCall<T extends Table> extends SplitOptions<T> {
  check: Check;
  predictions: Input;
  targets: Input;
  /** Whether the result tells how many positives there are. */
  isCounted: boolean;
}

/** Results are typed by the operation. */
export interface LossOnTensors {
  value(predictions: Input, targets: Input, options?: object): never;
  valueAndGrad(
    predictions: Input,
    targets: Input,
    options?: object,
  ): { loss: never; grad: Tensor; numPositives: number };
  backward(predictions: Input, targets: Input, options?: object): Tensor;
}

export function defineLoss<T extends Table>(loss: Loss<T>): LossOnTensors {
  const { operation, plans } = loss;
  const kernelName = `RetinanetOps${(operation[0] as string).toUpperCase()}${operation.slice(1)}`;
  const shapeOf = (call: KernelCall<unknown>): number[] => (call.inputs[loss.predictions] as TensorInfo).shape;
  /** One loss for every element, or for every row. */
  const lossesOf = (call: KernelCall<Attrs>): ['float32', number[]] | undefined => {
    if (call.attrs.reduction !== 'none') return undefined;
    return ['float32', plans.width === 1 ? shapeOf(call) : shapeOf(call).slice(0, -1)];
  };
  const run = (form: 'value' | 'backward' | 'valueAndGrad', x: Arrays, options: object): unknown => {
    const weights = x.floatsIfAny('weights');
    return plans[form](x.floats(loss.predictions), x.either('targets'), { ...options, weights }).runSync();
  };

  function forward(call: KernelCall<Attrs>): TensorInfo[] {
    const { inputs, backend, attrs } = call;
    const { result, tensors } = compute(backend, inputs, { losses: lossesOf(call) }, (x, out) =>
      run('value', x, { ...attrs, out: out.floatsIfAny('losses') }),
    );
    return [tensors['losses'] ?? write(backend, Float32Array.of(result as number), [])];
  }

  /** [loss, gradient, number of positives] in one pass. */
  function both(call: KernelCall<Attrs>): TensorInfo[] {
    const { inputs, backend, attrs } = call;
    const { result, tensors } = compute(
      backend,
      inputs,
      { losses: lossesOf(call), grad: ['float32', shapeOf(call)] },
      (x, out) => {
        const outputs = { grad: out.floats('grad'), losses: out.floatsIfAny('losses') };
        return run('valueAndGrad', x, { ...attrs, out: outputs }) as { loss: number; numPositives?: number };
      },
    );
    return [
      tensors['losses'] ?? write(backend, Float32Array.of(result.loss), []),
      tensors['grad'] as TensorInfo,
      write(backend, Int32Array.of(result.numPositives ?? 0), []),
    ];
  }

  const value = defineKernel<{ attrs: Attrs; withDerivative: boolean }>(
    kernelName,
    (call) => {
      const { attrs, withDerivative } = call.attrs;
      if (!withDerivative) return forward({ ...call, attrs });
      const [losses, grad, count] = both({ ...call, attrs }) as [TensorInfo, TensorInfo, TensorInfo];
      call.backend.disposeData(count.dataId);
      return [losses, grad];
    },
    {
      outputsToSave: [false, true],
      gradFunc: (dy, saved) => {
        const [derivative] = saved;
        if (derivative === undefined) noGradient(`${operation}: expected the kernel to be run by the operation`);
        return loss.gradients(() => chainRule(operation, derivative, (dy as Tensor[])[0] as Tensor));
      },
    },
  );
  const valueAndGrad = defineKernel<Attrs>(
    `${kernelName}ValueAndGrad`,
    both,
    `${operation}ValueAndGrad: not differentiable; use ${operation} inside tf.grads and optimizers`,
  );
  const backward = defineKernel<Attrs>(
    `${kernelName}Backward`,
    (call) => {
      const { inputs, backend, attrs } = call;
      const { tensors } = compute(backend, inputs, { grad: ['float32', shapeOf(call)] }, (x, out) => {
        const gradOutput = x.floatsIfAny('gradOutput') ?? attrs['gradOutput'];
        return run('backward', x, { ...attrs, gradOutput, out: out.floats('grad') });
      });
      return [tensors['grad'] as TensorInfo];
    },
    `${operation}Backward: not differentiable; there are no second derivatives`,
  );

  /** A call's arguments as a kernel takes them. */
  function read(name: string, args: [Input, Input, object?], table: Table, isCounted = false) {
    const check = new Check(name);
    const [predictions, targets, options] = args;
    const split = splitOptions(check, options, table) as SplitOptions<T>;
    const { inputs, attrs } = loss.read({ check, predictions, targets, ...split, isCounted });
    return { check, inputs, arrays: split.arrays, attrs: { ...split.attrs, ...attrs } as Attrs };
  }

  return {
    value: (...args) =>
      scoped(() => {
        const { inputs, attrs } = read(operation, args, plans.options);
        // While a gradient is being recorded one pass computes the loss and the derivative that the way back multiplies by.
        return value(inputs, { attrs, withDerivative: engine().isTapeOn() })[0] as never;
      }),
    valueAndGrad: (...args) =>
      scoped(() => {
        const { inputs, attrs } = read(`${operation}ValueAndGrad`, args, plans.options, true);
        const [result, grad, count] = valueAndGrad(inputs, attrs) as [Tensor, Tensor, Tensor];
        const numPositives = plans.counts.length > 0 ? (count.dataSync()[0] as number) : 0;
        return { loss: result as never, grad, numPositives };
      }),
    backward: (...args) =>
      scoped(() => {
        const table = { ...plans.options, ...GRAD_OUTPUT };
        const { check, inputs, arrays, attrs } = read(`${operation}Backward`, args, table);
        const { gradOutput } = arrays as { gradOutput?: unknown };
        const { shape } = inputs[loss.predictions] as Tensor;
        const ofLosses = plans.width === 1 ? shape : shape.slice(0, -1);
        const name = plans.width === 1 ? loss.predictions : 'losses';
        const upstream = gradOutputInput(check, gradOutput, ofLosses, name);
        return backward({ ...inputs, ...upstream.inputs }, { ...attrs, gradOutput: upstream.number })[0] as Tensor;
      }),
  };
}

/** The upstream gradient: a number becomes an attribute, a tensor an input. */
function gradOutputInput(
  check: Check,
  value: unknown,
  shape: number[],
  name: string,
): { inputs: Inputs; number?: number } {
  if (value === undefined) return { inputs: {} };
  const gradOutput = floats(check, 'gradOutput', value);
  if (gradOutput.rank === 0) return { inputs: {}, number: gradOutput.dataSync()[0] };
  expectShape(check, 'gradOutput', gradOutput, shape, `like the ${name}, or a scalar`);
  return { inputs: { gradOutput } };
}

/** The weights as an input, of the shape that `shapeOf` gives for theirs. */
export function weightsInput(
  check: Check,
  arrays: { weights?: unknown; anchorWeights?: unknown },
  shapeOf: (rank: number) => number[],
  why: string,
): Inputs {
  const { name, weights: given } = givenWeights(check, arrays);
  if (given === undefined) return {};
  const weights = floats(check, name, given);
  expectShape(check, name, weights, shapeOf(weights.rank), why);
  return { weights };
}
