// Files of torch.save: an archive of zip since PyTorch 1.6, and before that pickles and numbers one after the other.
import { fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import type { FileSource } from './file-source.js';
import { isMap, PickleError, type PickleHost, unpickle } from './pickle.js';
import { readTensorPickle } from './pickled-tensors.js';
import { type Storage, STORED_TYPES, type StoredTensors } from './tensors.js';

/** Those of detectors take a tenth of a megabyte. */
const LONGEST_PICKLE = 2 ** 24;
/** More entries than any network has tensors. */
const MOST_ENTRIES = 100_000;

interface Entry {
  /** Where its bytes lie in the file. */
  start: number;
  size: number;
}

/** Of an archive ARCHIVE/data.pkl, ARCHIVE/data/KEY. Its entries are parts of the file: none is ever unpacked to a path. */
export async function readArchive(source: FileSource): Promise<StoredTensors> {
  const entries = await entriesOf(source);
  const [pickle, more] = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined || more !== undefined) {
    source.fail('an archive of torch.save with one data.pkl', more === undefined ? 'one without' : 'one with several');
  }
  const archive = pickle.slice(0, -'data.pkl'.length);
  checkByteOrder(source, entries.get(`${archive}byteorder`));
  const { start, size } = entries.get(pickle)!;
  if (size > LONGEST_PICKLE) source.fail(`a data.pkl of at most ${String(LONGEST_PICKLE)} bytes`, String(size));
  const { tensors, storages } = readTensorPickle(source.read(start, size));
  for (const [key, storage] of storages) {
    const name = `${archive}data/${key}`;
    const entry = entries.get(name);
    const bytes = bytesOf(storage);
    if (entry?.size !== bytes) {
      source.fail(`an entry ${JSON.stringify(name)} of ${String(bytes)} bytes`, entry ? String(entry.size) : 'none');
    }
    storage.start = entry.start;
  }
  return tensors;
}

const ENTRY_BY_ENTRY = { lazyEntries: true, autoClose: false };

/** The library's own reader of files throws where nobody catches it, for positions that are none. */
class Reader extends RandomAccessReader {
  constructor(private readonly source: FileSource) {
    super();
  }

  override read(...[into, offset, length, position, callback]: Parameters<RandomAccessReader['read']>): void {
    let failure: Error | null = null;
    try {
      this.source.read(position, length).copy(into, offset);
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(callback, failure);
  }
}

async function entriesOf(source: FileSource): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    const zip = await fromRandomAccessReaderPromise(new Reader(source), source.size, ENTRY_BY_ENTRY);
    if (zip.entryCount > MOST_ENTRIES) {
      throw new PickleError(`at most ${String(MOST_ENTRIES)} entries`, String(zip.entryCount));
    }
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, await placeOf(source, zip, entry));
  } catch (cause) {
    if (isOurs(cause)) throw cause;
    source.fail('an archive of torch.save', `a damaged one (${(cause as Error).message})`, cause);
  }
  return entries;
}

async function placeOf(
  source: FileSource,
  zip: ZipFile,
  entry: Parameters<ZipFile['readLocalFileHeaderPromise']>[0],
): Promise<Entry> {
  if (/^[^/]+\/code\//.test(entry.fileName)) {
    source.fail(
      'tensors, as torch.save(model.state_dict(), FILE) writes them',
      'a program of TorchScript, which is not run',
    );
  }
  const isStored = entry.compressionMethod === 0 && !entry.isEncrypted();
  const size = entry.uncompressedSize;
  if (!isStored || entry.compressedSize !== size) {
    source.fail('entries that are stored as they are, as torch.save does', `${JSON.stringify(entry.fileName)}, packed`);
  }
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  return { start, size };
}

function checkByteOrder(source: FileSource, entry: Entry | undefined): void {
  if (entry === undefined) return;
  const order = source.read(entry.start, Math.min(entry.size, 16)).toString('latin1');
  if (order === 'little') return;
  source.fail("numbers in little-endian order, as torch.save on today's machines writes them", JSON.stringify(order));
}

function bytesOf({ type, length }: Storage): number {
  return length * STORED_TYPES[type].bytes;
}

/** Opens a file of torch.save before PyTorch 1.6, or with `_use_new_zipfile_serialization=False`. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/** Magic number, version, machine, object and the keys of its storages, each a pickle; then each storage's length and numbers. */
export function readLegacy(source: FileSource): StoredTensors {
  const bytes = source.read(0, Math.min(source.size, LONGEST_PICKLE));
  const magic = unpickle(bytes, PLAIN);
  if (magic.value !== LEGACY_MAGIC) throw new PickleError('the magic number of torch.save', 'another pickle');
  const protocol = unpickle(bytes, PLAIN, magic.end);
  if (protocol.value !== LEGACY_PROTOCOL) throw new PickleError(`version ${String(LEGACY_PROTOCOL)}`, 'another');
  const machine = unpickle(bytes, PLAIN, protocol.end);
  if (!isMap(machine.value) || machine.value.get('little_endian') !== true) {
    throw new PickleError('numbers in little-endian order', 'others');
  }
  const { tensors, storages, end } = readTensorPickle(bytes, machine.end);
  const keys = unpickle(bytes, PLAIN, end);
  let at = keys.end;
  const placed = new Set<unknown>();
  for (const key of Array.isArray(keys.value) ? (keys.value as unknown[]) : []) {
    const storage = storages.get(key as string);
    if (storage === undefined || placed.has(key)) throw new PickleError('the keys of its storages', 'another');
    const length = Number(source.read(at, 8).readBigUInt64LE());
    if (length !== storage.length)
      throw new PickleError(`${String(storage.length)} numbers of a storage`, String(length));
    storage.start = at + 8;
    at += 8 + bytesOf(storage);
    placed.add(key);
  }
  if (placed.size !== storages.size)
    throw new PickleError(`numbers of ${String(storages.size)} storages`, String(placed.size));
  if (at > source.size) throw new PickleError(`${String(at)} bytes`, `${String(source.size)}: the file is truncated`);
  return tensors;
}

/** For pickles of plain values. */
const PLAIN: PickleHost = {
  global: (module, name) => {
    throw new PickleError('plain values', JSON.stringify(`${module}.${name}`.slice(0, 200)));
  },
  call: () => {
    throw new PickleError('plain values', 'a call');
  },
  persistent: () => {
    throw new PickleError('plain values', 'a reference');
  },
};

function isOurs(error: unknown): boolean {
  const { code, constructor } = error as { code?: unknown; constructor?: unknown };
  return code === 'ERR_DATA' || constructor === PickleError;
}
