// What native/math/elementwise.def lists, under the same names.
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { native } from '../../runtime/native.js';
import { cpuKernel, floatsOf, makeFloats, run, type NativeKernel, type NativeKernels } from './kernel.js';

interface Parameters {
  alpha?: number;
  clipValueMin?: number;
  clipValueMax?: number;
}

function unary(name: string, kind: number): NativeKernel<Parameters | undefined> {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x'] as TensorInfo;
    if (x.dtype !== 'float32') return cpuKernel(name, call);
    const [output, result] = makeFloats(backend, x.shape);
    const alpha = attrs?.alpha ?? attrs?.clipValueMin ?? 0;
    run(name, 'unary', { kind, alpha, beta: attrs?.clipValueMax ?? 0, input: floatsOf(backend, x), output });
    return result;
  };
}

/** Sizes of axes, behind as many of 1 as the rank wants. */
function axesOf(shape: number[], rank: number): Float64Array {
  const axes = new Float64Array(rank).fill(1);
  axes.set(shape, rank - shape.length);
  return axes;
}

function binary(name: string, kind: number): NativeKernel<Parameters | undefined> {
  const isGradient = name.endsWith('Grad');
  return (call) => {
    const { inputs, attrs, backend } = call;
    const a = (inputs['a'] ?? inputs['dy'] ?? inputs['x']) as TensorInfo;
    const b = (inputs['b'] ?? inputs['alpha'] ?? inputs['y'] ?? inputs['x']) as TensorInfo;
    if (!isGradient && (a.dtype !== 'float32' || b.dtype !== 'float32')) return cpuKernel(name, call);
    const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const [output, result] = makeFloats(backend, shape);
    run(name, 'binary', {
      kind,
      alpha: attrs?.alpha ?? 0,
      shape: axesOf(shape, shape.length),
      aShape: axesOf(a.shape, shape.length),
      bShape: axesOf(b.shape, shape.length),
      a: floatsOf(backend, a),
      b: floatsOf(backend, b),
      output,
    });
    return result;
  };
}

const addN: NativeKernel<undefined> = (call) => {
  const { backend } = call;
  const [first, ...others] = call.inputs as unknown as [TensorInfo, ...TensorInfo[]];
  if (others.length === 0 || [first, ...others].some(({ dtype }) => dtype !== 'float32')) {
    return cpuKernel('AddN', call);
  }
  const [output, result] = makeFloats(backend, first.shape);
  const shape = new Float64Array([output.length]);
  const kind = native().binaries['Add'] as number;
  let a = floatsOf(backend, first);
  for (const other of others) {
    const b = floatsOf(backend, other);
    run('AddN', 'binary', { kind, alpha: 0, shape, aShape: shape, bShape: shape, a, b, output });
    a = output;
  }
  return result;
};

const cast: NativeKernel<{ dtype: string }> = (call) => {
  const { inputs, attrs, backend } = call;
  const x = inputs['x'] as TensorInfo;
  if (x.dtype !== 'float32' || attrs.dtype !== 'int32') return cpuKernel('Cast', call);
  const values = new Int32Array(floatsOf(backend, x));
  return { dataId: backend.write(values, x.shape, 'int32'), shape: x.shape, dtype: 'int32' };
};

export function elementwiseKernels(): NativeKernels {
  const { unaries, binaries } = native();
  return Object.fromEntries([
    ...Object.entries(unaries).map(([name, kind]) => [name, unary(name, kind)]),
    ...Object.entries(binaries).map(([name, kind]) => [name, binary(name, kind)]),
    ['AddN', addN],
    ['Cast', cast],
  ]) as NativeKernels;
}
