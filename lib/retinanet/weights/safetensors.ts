// The .safetensors format: the length of a header in 8 bytes, the header in JSON, and the numbers.
import type { FileSource } from './file-source.js';
import {
  rowMajor,
  sizeOfShape,
  STORED_TYPES,
  type StoredTensor,
  type StoredTensors,
  type StoredType,
} from './tensors.js';

/** A header of a hundred thousand tensors is smaller. */
const LONGEST_HEADER = 2 ** 24;
/** What stands in the header beside the tensors. */
const METADATA = '__metadata__';
/** Within it, what this package says of the network. */
export const METADATA_KEY = 'retinanet-ops';
/** The first bytes of an archive. */
export const ZIP = 0x04034b50;
/** Formats are told by their first bytes: those of this one are a length and the beginning of an object of JSON. */
export const isSafetensors = (head: Uint8Array): boolean => head[8] === 0x7b;

interface Entry {
  dtype: StoredType;
  shape: number[];
  data_offsets: [number, number];
}

/** The tensors of a file, each checked to lie within it, on bytes of its own. */
export function readSafetensors(source: FileSource): StoredTensors {
  const { header, start } = readHeader(source);
  const tensors = new Map<string, StoredTensor>();
  const places: [begin: number, end: number, name: string][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) continue;
    if (!isEntry(entry)) {
      const types = Object.keys(STORED_TYPES).join(', ');
      source.fail(`dtype (${types}), shape and data_offsets of every tensor`, `${JSON.stringify(name)} without`);
    }
    const { dtype, shape, data_offsets: place } = entry;
    const size = sizeOfShape(shape);
    const bytes = size * STORED_TYPES[dtype].bytes;
    if (place[1] - place[0] !== bytes) {
      const received = `data_offsets ${JSON.stringify(place)} of ${JSON.stringify(name)}`;
      source.fail(`${String(bytes)} bytes for ${dtype} ${JSON.stringify(shape)}`, received);
    }
    places.push([...place, name]);
    const storage = { type: dtype, length: size, start: start + place[0] };
    tensors.set(name, { storage, offset: 0, shape, strides: rowMajor(shape) });
  }
  checkPlaces(source, places, source.size - start);
  return tensors;
}

/** The header, and where the numbers begin. */
function readHeader(source: FileSource): { header: Record<string, unknown>; start: number } {
  const longest = Math.min(LONGEST_HEADER, source.size - 8);
  const length = Number(source.read(0, 8).readBigUInt64LE());
  if (length > longest) source.fail(`a header of at most ${String(longest)} bytes`, `one of ${String(length)}`);
  return { header: parse(source, source.read(8, length)), start: 8 + length };
}

/** What stands in a file beside its tensors; undefined in files of another format. */
export function readMetadata(source: FileSource): Record<string, string> | undefined {
  const head = source.read(0, Math.min(9, source.size));
  if (!isSafetensors(head) || head.readUInt32LE() === ZIP) return undefined;
  const metadata = readHeader(source).header[METADATA] ?? {};
  const isPlain = typeof metadata === 'object' && Object.values(metadata).every((one) => typeof one === 'string');
  if (!isPlain) source.fail(`texts by name as ${METADATA}`, 'another value');
  return metadata as Record<string, string>;
}

/** Tensors follow on each other from the first byte to the last, as the format asks. */
function checkPlaces(source: FileSource, places: [number, number, string][], bytes: number): void {
  places.sort(([a, b], [c, d]) => a - c || b - d);
  let end = 0;
  for (const [from, to, name] of places) {
    if (from !== end)
      source.fail(`numbers of ${JSON.stringify(name)} from ${String(end)}`, `some from ${String(from)}`);
    end = to;
  }
  if (end !== bytes) {
    source.fail(`${String(end)} bytes of numbers, as the header says`, `${String(bytes)}: damaged or truncated`);
  }
}

function parse(source: FileSource, bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (cause) {
    source.fail('a header of JSON', (cause as Error).message, cause);
  }
  source.fail('a header with tensors by name', 'another');
}

function isEntry(value: unknown): value is Entry {
  const { dtype, shape, data_offsets: place } = (value ?? {}) as Partial<Entry>;
  const isPlace = (offsets: unknown[]) => offsets.length === 2 && offsets.every((one) => Number.isSafeInteger(one));
  return (
    typeof dtype === 'string' &&
    Object.hasOwn(STORED_TYPES, dtype) &&
    Array.isArray(shape) &&
    !Number.isNaN(sizeOfShape(shape)) &&
    Array.isArray(place) &&
    isPlace(place)
  );
}

/** A tensor to be written, in the order of its values. */
export interface WrittenTensor {
  name: string;
  type: StoredType;
  shape: readonly number[];
  /** Little-endian; asked for when its turn comes. */
  bytes(): Uint8Array;
}

/** The bytes of a file, tensor by tensor. */
export function* safetensorsBytes(
  tensors: readonly WrittenTensor[],
  metadata: Readonly<Record<string, string>>,
): Generator<Uint8Array> {
  let end = 0;
  const entries = tensors.map(({ name, type, shape }) => {
    const begin = end;
    end += sizeOfShape(shape) * STORED_TYPES[type].bytes;
    return [name, { dtype: type, shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) }));
  // Spaces behind the JSON align the numbers.
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  yield header;
  for (const tensor of tensors) yield tensor.bytes();
}
