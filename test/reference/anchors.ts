export interface GridConfig {
  imageHeight: number;
  imageWidth: number;
  strides: (number | [number, number])[];
  baseSizes: number[];
  scales: number[];
  aspectRatios: number[];
  centerOffset?: number;
  featureSizes?: [number, number][];
  order?: 'scale-major' | 'ratio-major';
}

/** Level, row, column, scale, ratio. Half sizes are rounded to float32 once, corners once more. */
export function anchorBoxesReference(config: GridConfig): Float32Array {
  const { imageHeight, imageWidth, scales, aspectRatios, centerOffset = 0.5, order = 'scale-major' } = config;
  const shapes =
    order === 'scale-major'
      ? scales.flatMap((scale) => aspectRatios.map((ratio) => [scale, ratio] as const))
      : aspectRatios.flatMap((ratio) => scales.map((scale) => [scale, ratio] as const));
  const boxes: number[] = [];
  config.strides.forEach((given, level) => {
    const [vertical, horizontal] = typeof given === 'number' ? [given, given] : given;
    const byDefault = [Math.ceil(imageHeight / vertical), Math.ceil(imageWidth / horizontal)];
    const [rows, columns] = config.featureSizes?.[level] ?? (byDefault as [number, number]);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (const [scale, ratio] of shapes) {
          const side = config.baseSizes[level]! * scale;
          const halfWidth = Math.fround(side / Math.sqrt(ratio) / 2);
          const halfHeight = Math.fround((side * Math.sqrt(ratio)) / 2);
          const x = Math.fround((column + centerOffset) * horizontal);
          const y = Math.fround((row + centerOffset) * vertical);
          boxes.push(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight);
        }
      }
    }
  });
  return new Float32Array(boxes);
}
