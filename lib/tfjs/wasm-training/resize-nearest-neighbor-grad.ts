import type { TensorInfo } from '@tensorflow/tfjs-core';
import { Scratch, type WasmKernelArgs } from './scratch.js';

type Args = WasmKernelArgs<
  { dy: TensorInfo; images: TensorInfo },
  { alignCorners: boolean; halfPixelCenters: boolean; size: [number, number] }
>;

/**
 * The gradient of nearest-neighbour resizing: every pixel of `dy` is added to the pixel it was copied from.
 * The backend's own kernel searches a window for each input value, an order of magnitude slower.
 */
export function resizeNearestNeighborGrad({ inputs: { dy, images }, backend, attrs }: Args): TensorInfo {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  const [, outHeight, outWidth] = dy.shape as [number, number, number, number];
  const rowSources = sources(height, outHeight, attrs);
  const columnSources = sources(width, outWidth, attrs);
  const scratch = new Scratch(backend);
  const dx = scratch.keep(scratch.zeros(images.shape));
  const heap = scratch.heap();
  const dx0 = scratch.offset(dx);
  let from = scratch.offset(dy);
  for (let b = 0; b < batch; b++) {
    for (const row of rowSources) {
      const start = dx0 + (b * height + row) * width * channels;
      for (const column of columnSources) {
        let to = start + column * channels;
        for (const end = to + channels; to < end; to++, from++) heap[to] = (heap[to] ?? 0) + (heap[from] ?? 0);
      }
    }
  }
  return dx;
}

/** The input index that each output index is copied from, as the forward kernels choose it. */
function sources(input: number, output: number, { alignCorners, halfPixelCenters }: Args['attrs']): number[] {
  const shrink = alignCorners && output > 1 ? 1 : 0;
  const ratio = (input - shrink) / (output - shrink);
  return Array.from({ length: output }, (_, i) => {
    const exact = ratio * (halfPixelCenters ? i + 0.5 : i);
    return Math.max(0, Math.min(input - 1, alignCorners ? Math.round(exact) : Math.floor(exact)));
  });
}
