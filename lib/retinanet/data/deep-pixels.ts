// Pictures of more than 8 bits per channel: microscopes, X-rays, satellites.
import type { Sharp } from 'sharp';

/** The largest values of what such pictures hold: shares of one, 8, 12 and 16 bits. */
const RANGES = [1, 255, 4095, 65_535];

/**
 * RGB pixels in 8 bits of a picture that has more. What becomes 255 is the smallest of 1 (shares), 255, 4095 (12 bits) and 65535 that
 * no pixel exceeds, else the largest value: one scale for all pictures of a camera, unlike stretching each.
 *
 * @returns data [height, width, 3], and what became 255
 */
export async function scaleDeepPixels(image: Sharp): Promise<{ data: Uint8Array; range: number }> {
  const { space } = await image.metadata();
  const native = image.toColourspace(space ?? 'rgb16').raw({ depth: 'float' });
  const { data: bytes, info } = await native.toBuffer({ resolveWithObject: true });
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const { channels } = info;
  let most = 0;
  for (const value of values) if (value > most && value < Infinity) most = value;
  const range = RANGES.find((limit) => most <= limit) ?? most;
  const data = new Uint8Array(info.width * info.height * 3);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3) * channels;
    // Uint8Array would wrap; NaN becomes 0.
    const value = (values[pixel + (channels < 3 ? 0 : i % 3)]! / range) * 255;
    data[i] = Math.round(Math.min(255, Math.max(0, value || 0)));
  }
  return { data, range };
}
