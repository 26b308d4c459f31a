// The tensors of a file, whichever format it has.
import type { FileSource } from './file-source.js';
import { PickleError } from './pickle.js';
import { readArchive, readLegacy } from './pytorch.js';
import { isSafetensors, readSafetensors, ZIP } from './safetensors.js';
import { STORED_TYPES, type StoredTensors } from './tensors.js';

const EXPECTED = 'a .safetensors file, or one that torch.save wrote';

/** Tells formats by the first bytes: names of files say little. All that the tensors lie on is within the file. */
export async function readTensors(source: FileSource): Promise<StoredTensors> {
  if (source.size < 9) source.fail(EXPECTED, `${String(source.size)} bytes`);
  const head = source.read(0, 9);
  try {
    const tensors =
      head.readUInt32LE() === ZIP
        ? await readArchive(source)
        : head[0] === 0x80
          ? readLegacy(source)
          : isSafetensors(head)
            ? readSafetensors(source)
            : source.fail(EXPECTED, `one that begins with ${JSON.stringify(head.toString('latin1'))}`);
    for (const [name, { storage }] of tensors) {
      const end = storage.start + storage.length * STORED_TYPES[storage.type].bytes;
      if (!(end <= source.size)) source.fail(`all numbers of ${JSON.stringify(name)}`, 'a file that is cut off');
    }
    return tensors;
  } catch (cause) {
    if ((cause as Error).constructor !== PickleError) throw cause;
    const { expected, received } = cause as PickleError;
    return source.fail(expected, received, cause);
  }
}
