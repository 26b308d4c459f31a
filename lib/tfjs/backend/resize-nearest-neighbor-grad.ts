import { util, type TensorInfo } from '@tensorflow/tfjs-core';
import { addToSources, type ResizeAttributes } from '../nearest-neighbor-grad.js';
import { floatsOf, makeFloats, type NativeKernel } from './kernel.js';

/** The gradient of nearest-neighbour resizing; the cpu backend's own reads the wrong image of several. */
export const resizeNearestNeighborGrad: NativeKernel<ResizeAttributes> = ({ inputs, attrs, backend }) => {
  const { dy, images } = inputs as Record<'dy' | 'images', TensorInfo>;
  const [values, result] = makeFloats(backend, images.shape);
  values.fill(0);
  if (util.sizeFromShape(dy.shape) > 0) addToSources(floatsOf(backend, dy), dy.shape, values, images.shape, attrs);
  return result;
};
