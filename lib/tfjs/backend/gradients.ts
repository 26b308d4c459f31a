// Gradients of kernels that TensorFlow.js composes of several: on the native backend each is one kernel.
import {
  add,
  backend_util,
  div,
  engine,
  getBackend,
  getGradient,
  mul,
  neg,
  rsqrt,
  reshape,
  tensor1d,
  util,
  registerGradient,
  type GradConfig,
  type NamedTensorMap,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { isByChannel } from './batch-norm.js';

type GradFunc = GradConfig['gradFunc'];

/** What stands here. */
const registered = new WeakSet<GradFunc>();

/**
 * Has the kernel's gradient computed by `gradFunc` while the backend is current, and by TensorFlow.js' own on other backends and
 * under gradients of gradients, for which it has to be made of operations that have gradients themselves.
 */
function onBackend(backendName: string, kernelName: string, gradFunc: (stock: GradFunc) => GradFunc): void {
  // The declared type leaves out that there may be none: tfjs-layers brings them.
  const stock = getGradient(kernelName) as GradConfig | undefined;
  if (stock === undefined || registered.has(stock.gradFunc)) return;
  const ours = gradFunc(stock.gradFunc);
  const either: GradFunc = (dy, saved, attrs) => {
    const isOurs = getBackend() === backendName && !engine().isTapeOn();
    return (isOurs ? ours : stock.gradFunc)(dy, saved, attrs);
  };
  registered.add(either);
  registerGradient({ ...stock, gradFunc: either });
}

/** Activations, and what their gradients are computed from besides dy: their input x or their output y. */
const ACTIVATIONS = {
  LeakyRelu: 'x',
  Relu: 'x',
  Relu6: 'x',
  Sigmoid: 'y',
  Tanh: 'y',
} as const;

/** Of the forward pass with statistics by channels; where they are of another shape TensorFlow.js' own. */
function batchNormGradient(stock: GradFunc): GradFunc {
  return (dy, saved, attrs) => {
    const [x, mean, variance, scale] = saved as [Tensor, Tensor, Tensor, Tensor | undefined];
    if (!isByChannel(x, mean, variance, scale)) return stock(dy, saved, attrs);
    const inverse = rsqrt(add(variance, attrs['varianceEpsilon'] as number));
    const factor = scale ? mul(inverse, scale) : inverse;
    // Each of the functions below is called in a tidy of its own, which disposes of tensors.
    let both: Float32Array | undefined;
    const sums = (row: 0 | 1): Tensor => {
      both ??= engine()
        .runKernel<Tensor>('FusedBatchNormSums', { x, dy: dy as Tensor, mean })
        .dataSync<'float32'>();
      return tensor1d(both.subarray(row * mean.size, (row + 1) * mean.size));
    };
    return {
      x: () => mul(dy as Tensor, factor),
      mean: () => neg(mul(factor, sums(0))),
      variance: () => mul(mul(mul(factor, mul(inverse, inverse)), -0.5), sums(1)),
      scale: () => mul(inverse, sums(1)),
      offset: () => sums(0),
    };
  };
}

/** Every summand has the sum's gradient: copied, where TensorFlow.js multiplies it with ones. */
function sumGradient(isMean: boolean): GradFunc {
  return (dy, saved, attrs) => {
    const { shape, size } = saved[0] as Tensor;
    const axes = util.parseAxisParam(attrs['axis'] as number | number[], shape);
    const kept = reshape(dy as Tensor, backend_util.expandShapeToKeepDim(shape.filter((_, axis) => !axes.includes(axis)), axes)); // prettier-ignore
    const count = kept.size === 0 ? 1 : size / kept.size;
    return {
      x: () => engine().runKernel<Tensor>('BroadcastTo', { x: isMean ? div(kept, count) : kept }, { shape }),
    };
  };
}

/** Once TensorFlow.js' own gradients are registered; again, where that may have happened since. */
export function registerGradients(backendName: string): void {
  onBackend(backendName, 'FusedBatchNorm', batchNormGradient);
  onBackend(backendName, 'Sum', () => sumGradient(false));
  onBackend(backendName, 'Mean', () => sumGradient(true));
  for (const [kernelName, name] of Object.entries(ACTIVATIONS)) {
    onBackend(backendName, kernelName, () => (dy, saved, attrs) => {
      const inputs = { dy, [name]: saved[0] } as NamedTensorMap;
      return { x: () => engine().runKernel<Tensor>(`${kernelName}Grad`, inputs, attrs) };
    });
  }
}
