export interface GridConfig {
  imageHeight: number;
  imageWidth: number;
  strides: number[];
  baseSizes: number[];
  scales: number[];
  aspectRatios: number[];
}

/** Level, row, column, scale, ratio. Half sizes are rounded to float32 once, corners once more. */
export function anchorBoxesReference(config: GridConfig): Float32Array {
  const boxes: number[] = [];
  config.strides.forEach((stride, level) => {
    for (let row = 0; row < Math.ceil(config.imageHeight / stride); row++) {
      for (let column = 0; column < Math.ceil(config.imageWidth / stride); column++) {
        for (const scale of config.scales) {
          for (const ratio of config.aspectRatios) {
            const side = config.baseSizes[level]! * scale;
            const halfWidth = Math.fround(side / Math.sqrt(ratio) / 2);
            const halfHeight = Math.fround((side * Math.sqrt(ratio)) / 2);
            const x = Math.fround((column + 0.5) * stride);
            const y = Math.fround((row + 0.5) * stride);
            boxes.push(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight);
          }
        }
      }
    }
  });
  return new Float32Array(boxes);
}
