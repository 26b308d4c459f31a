import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Check } from '#lib/arguments/check.js';
import { FileSource } from '#lib/retinanet/weights/file-source.js';
import { readTensors } from '#lib/retinanet/weights/read-tensors.js';
import { readTensor } from '#lib/retinanet/weights/tensors.js';

interface Golden {
  /** base64 */
  file: string;
  tensors: Record<string, { shape: number[]; values: number[] }>;
}

/** By file name; made by test/golden/generators/weights.py. */
export const goldens = JSON.parse(readFileSync('test/golden/weights.json', 'utf8')) as Record<string, Golden>;

export const bytesOf = (name: string): Buffer => Buffer.from(goldens[name]!.file, 'base64');

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
let count = 0;

/** A file of these bytes. */
export function fileOf(bytes: Uint8Array): string {
  const file = join(folder, `${String(count++)}.pth`);
  writeFileSync(file, bytes);
  return file;
}

/** Everything in a file. */
export async function readAll(bytes: Uint8Array): Promise<Golden['tensors']> {
  const file = fileOf(bytes);
  const source = new FileSource(new Check('test'), file);
  try {
    const tensors = await readTensors(source);
    return Object.fromEntries(
      [...tensors].map(([name, tensor]) => {
        const values = Array.from(readTensor(source, tensor));
        return [name, { shape: [...tensor.shape], values }];
      }),
    );
  } finally {
    source.close();
    rmSync(file);
  }
}

/** An archive of entries that are stored as they are. */
export function zipOf(entries: Record<string, Uint8Array>, method = 0): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const text = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(text.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, text, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.alloc(2), common, tail, text]));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, central, end]);
}

/** A .safetensors file with this header and so many bytes behind. */
export function safetensorsOf(header: unknown, bytes: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(bytes)]);
}
