import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { addToSources, type ResizeAttributes } from '../nearest-neighbor-grad.js';
import { Scratch, type WasmKernelArgs } from './scratch.js';

type Args = WasmKernelArgs<{ dy: TensorInfo; images: TensorInfo }, ResizeAttributes>;

/**
 * The gradient of nearest-neighbour resizing. The backend's own kernel searches a window for each input value, an order of
 * magnitude slower.
 */
export function resizeNearestNeighborGrad({ inputs: { dy, images }, backend, attrs }: Args): TensorInfo {
  const scratch = new Scratch(backend);
  const dx = scratch.keep(scratch.zeros(images.shape));
  const heap = scratch.heap();
  const values = (tensor: TensorInfo) =>
    heap.subarray(scratch.offset(tensor), scratch.offset(tensor) + util.sizeFromShape(tensor.shape));
  addToSources(values(dy), dy.shape, values(dx), dx.shape, attrs);
  return dx;
}
