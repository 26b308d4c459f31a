// The gradient of nearest-neighbour resizing in memory: backends of TensorFlow.js differ in how they reach it.

/** Attributes that the kernel takes. */
export interface ResizeAttributes {
  alignCorners: boolean;
  halfPixelCenters: boolean;
}

/**
 * Adds every pixel of `dy` to the pixel of `dx` that it was copied from. `dx` holds zeros.
 *
 * @param dyShape [batch, outHeight, outWidth, channels]
 * @param dxShape [batch, height, width, channels]
 */
export function addToSources(
  dy: Float32Array,
  dyShape: readonly number[],
  dx: Float32Array,
  dxShape: readonly number[],
  attributes: ResizeAttributes,
): void {
  const [batch, height, width, channels] = dxShape as [number, number, number, number];
  const [, outHeight, outWidth] = dyShape as [number, number, number, number];
  const rowSources = sources(height, outHeight, attributes);
  const columnSources = sources(width, outWidth, attributes);
  let from = 0;
  for (let b = 0; b < batch; b++) {
    for (const row of rowSources) {
      const start = (b * height + row) * width * channels;
      for (const column of columnSources) {
        let to = start + column * channels;
        for (const end = to + channels; to < end; to++, from++) dx[to] = (dx[to] ?? 0) + (dy[from] ?? 0);
      }
    }
  }
}

/** The input index that each output index is copied from, as the forward kernels choose it. */
function sources(input: number, output: number, { alignCorners, halfPixelCenters }: ResizeAttributes): number[] {
  const shrink = alignCorners && output > 1 ? 1 : 0;
  const ratio = (input - shrink) / (output - shrink);
  return Array.from({ length: output }, (_, i) => {
    const exact = ratio * (halfPixelCenters ? i + 0.5 : i);
    return Math.max(0, Math.min(input - 1, alignCorners ? Math.round(exact) : Math.floor(exact)));
  });
}
