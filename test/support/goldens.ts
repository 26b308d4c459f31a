import { readFileSync } from 'node:fs';

/** An array of test/golden: base64 of little-endian bytes, as generators/golden.py writes it. */
export interface Packed {
  shape: number[];
  f32?: string;
  f64?: string;
  i32?: string;
}

function bytes(text: string | undefined): ArrayBuffer {
  if (text === undefined) throw new Error('the golden array has another element type');
  return new Uint8Array(Buffer.from(text, 'base64')).buffer;
}

export const f32 = (packed: Packed): Float32Array => new Float32Array(bytes(packed.f32));
export const f64 = (packed: Packed): Float64Array => new Float64Array(bytes(packed.f64));
export const i32 = (packed: Packed): Int32Array => new Int32Array(bytes(packed.i32));

/** The cases of test/golden/NAME; the working directory is the project root. */
export function goldenCases<Case>(name: string): Case[] {
  return (JSON.parse(readFileSync(`test/golden/${name}`, 'utf8')) as { cases: Case[] }).cases;
}

export function goldenLines(name: string): string[] {
  return readFileSync(`test/golden/${name}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}
