/** Red, green, blue, 0..1. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Perceived brightness 0..1 (Rec. 709 weights). */
export function luminance([red, green, blue]: Colour): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Hue, saturation, lightness, all 0..1. */
export function hsl(hue: number, saturation: number, lightness: number): Colour {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number) => {
    const k = (n + hue * 12) % 12;
    return lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  };
  return [channel(0), channel(8), channel(4)];
}

/** 0 below `low`, 1 above `high`, smooth between: antialiased edges. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

/** An RGB image in floats 0..1 that shapes are blended into. */
export class Canvas {
  readonly pixels: Float32Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Float32Array(width * height * 3);
  }

  /**
   * Blends `colour` over the pixels around a shape: `coverage` gives its share of the pixel with that centre, 0..1.
   * The area is x1, y1 up to x2, y2, clipped to the canvas.
   */
  blend(
    x1: number,
    y1: number,
    x2: number,
    y2: number,
    colour: Colour,
    coverage: (x: number, y: number) => number,
  ): void {
    const bottom = Math.min(this.height, Math.ceil(y2));
    const right = Math.min(this.width, Math.ceil(x2));
    for (let y = Math.max(0, Math.floor(y1)); y < bottom; y++) {
      for (let x = Math.max(0, Math.floor(x1)); x < right; x++) {
        const share = coverage(x + 0.5, y + 0.5);
        if (share <= 0) continue;
        const at = (y * this.width + x) * 3;
        for (let c = 0; c < 3; c++) {
          this.pixels[at + c] = (this.pixels[at + c] ?? 0) * (1 - share) + (colour[c] ?? 0) * share;
        }
      }
    }
  }

  /** Mean colour of an area, clipped to the canvas. */
  mean(x1: number, y1: number, x2: number, y2: number): Colour {
    const sum: [number, number, number] = [0, 0, 0];
    let count = 0;
    for (let y = Math.max(0, Math.floor(y1)); y < Math.min(this.height, y2); y++) {
      for (let x = Math.max(0, Math.floor(x1)); x < Math.min(this.width, x2); x++) {
        const at = (y * this.width + x) * 3;
        for (let c = 0; c < 3; c++) sum[c] = (sum[c] ?? 0) + (this.pixels[at + c] ?? 0);
        count++;
      }
    }
    return [sum[0] / count, sum[1] / count, sum[2] / count];
  }

  /** Writes 0..255 RGB to `out`. */
  toBytes(out: Uint8Array): void {
    // A plain loop: this runs over every channel of every scene.
    for (let i = 0; i < this.pixels.length; i++) {
      out[i] = Math.min(255, Math.max(0, Math.round((this.pixels[i] ?? 0) * 255)));
    }
  }
}
