// Resizing of images and its gradients.
import { util, type TensorInfo } from '@tensorflow/tfjs-core';
import type { ResizeShape } from '../../../binding.js';
import { cpuKernel, floatsOf, makeFloats, run, type NativeKernel, type NativeKernels } from './kernel.js';

export interface ResizeGradAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}
interface ResizeAttributes extends ResizeGradAttributes {
  size: [number, number];
}

function shapeOf(
  images: TensorInfo,
  [outHeight, outWidth]: number[],
  bilinear: boolean,
  attrs: ResizeGradAttributes,
): ResizeShape {
  const [count, height, width, channels] = images.shape as [number, number, number, number];
  const { alignCorners, halfPixelCenters } = attrs;
  return {
    images: count,
    height,
    width,
    channels,
    outHeight: outHeight as number,
    outWidth: outWidth as number,
    bilinear,
    alignCorners,
    halfPixelCenters,
  };
}

function resize(name: string, bilinear: boolean): NativeKernel<ResizeAttributes> {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const images = inputs['images'] as TensorInfo;
    if (images.dtype !== 'float32' || util.sizeFromShape(images.shape) === 0) return cpuKernel(name, call);
    const [count, , , channels] = images.shape as [number, number, number, number];
    const [output, result] = makeFloats(backend, [count, ...attrs.size, channels]);
    run(name, 'resize', { ...shapeOf(images, attrs.size, bilinear, attrs), input: floatsOf(backend, images), output });
    return result;
  };
}

/** Writes into `inputGrad` the gradient by images of a shape, of `outputGrad` of another. Of no pixels: nothing. */
export function writeResizeGrad(
  name: string,
  bilinear: boolean,
  [outputGrad, dy]: readonly [Float32Array, TensorInfo],
  [inputGrad, images]: readonly [Float32Array, TensorInfo],
  attrs: ResizeGradAttributes,
): void {
  if (util.sizeFromShape(images.shape) === 0) return;
  run(name, 'resizeGrad', { ...shapeOf(images, dy.shape.slice(1, 3), bilinear, attrs), outputGrad, inputGrad });
}

// The cpu backend's leave out the image's place in dy (nearest neighbour), or swap height and width and half pixels (bilinear).
function resizeGrad(name: string, bilinear: boolean): NativeKernel<ResizeGradAttributes> {
  return ({ inputs, attrs, backend }) => {
    const [dy, images] = [inputs['dy'], inputs['images']] as [TensorInfo, TensorInfo];
    const [inputGrad, result] = makeFloats(backend, images.shape);
    writeResizeGrad(name, bilinear, [floatsOf(backend, dy), dy], [inputGrad, images], attrs);
    return result;
  };
}

export const resizingKernels: NativeKernels = {
  ResizeBilinear: resize('ResizeBilinear', true),
  ResizeBilinearGrad: resizeGrad('ResizeBilinearGrad', true),
  ResizeNearestNeighbor: resize('ResizeNearestNeighbor', false),
  ResizeNearestNeighborGrad: resizeGrad('ResizeNearestNeighborGrad', false),
};
