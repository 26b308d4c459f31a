import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type ResizeGradAttributes, writeResizeGrad } from '../backend/resizing.js';
import { Scratch, type WasmKernelArgs } from './scratch.js';

type Args = WasmKernelArgs<{ dy: TensorInfo; images: TensorInfo }, ResizeGradAttributes>;

/**
 * The gradient of nearest-neighbour resizing. The backend's own kernel searches a window for each input value, an order of
 * magnitude slower.
 */
export function resizeNearestNeighborGrad({ inputs: { dy, images }, backend, attrs }: Args): TensorInfo {
  const scratch = new Scratch(backend);
  const dx = scratch.keep(scratch.allocate(images.shape));
  const heap = scratch.heap();
  const values = (tensor: TensorInfo) =>
    heap.subarray(scratch.offset(tensor), scratch.offset(tensor) + util.sizeFromShape(tensor.shape));
  writeResizeGrad('ResizeNearestNeighborGrad', false, [values(dy), dy], [values(dx), dx], attrs);
  return dx;
}
