// A net's weights for other programs.
import { basename, dirname } from 'node:path';
import { Check } from '../../arguments/check.js';
import { oneOf, type OptionsOf } from '../../arguments/options.js';
import { FLOAT16_MAX, float16Bits } from '../export/float16.js';
import { metadataOf } from '../model/io.js';
import { checkNet, type RetinaNet } from '../model/net.js';
import { readWeights } from '../model/weights.js';
import { makeFolder } from '../make-folder.js';
import { writeTogether } from '../write-together.js';
import { BACKBONE_PREFIXES, namedWeights, toTorch } from './names.js';
import { METADATA_KEY, safetensorsBytes, type WrittenTensor } from './safetensors.js';

const OPTIONS = {
  /** What numbers are stored as. Default `float32`. */
  precision: oneOf(['float32', 'float16'], 'float32'),
};

/** Options of `saveWeights`. */
export interface SaveWeightsOptions extends OptionsOf<typeof OPTIONS> {}

/**
 * Writes a net's weights to a `.safetensors` file by the names, and in the order of anchors, of today's torchvision, whose RetinaNet of the
 * same layers loads them; `loadWeights` reads them back. Mean and deviation of pixels, which torchvision keeps outside of the weights,
 * stand in the metadata of the file with all the rest of the configuration.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the file where it can't be written; `ERR_RANGE` for weights beyond float16; `ERR_DTYPE`,
 *   `ERR_SHAPE` or `ERR_OPTION` for other arguments that don't fit
 */
export async function saveWeights(net: RetinaNet, file: string, options: SaveWeightsOptions = {}): Promise<void> {
  const check = new Check('saveWeights');
  const parts = checkNet(check, net);
  check.string('file', file);
  const { precision } = check.options('options', options, OPTIONS);
  const tensors = namedWeights(parts).map((named): WrittenTensor => {
    const name = (named.part === 'backbone' ? BACKBONE_PREFIXES[0] : '') + named.names[0]!;
    const values = () => toTorch(named, readWeights([named.weight])[0]!);
    return precision === 'float32'
      ? { name, shape: named.shape, type: 'F32', bytes: () => bytesOf(values()) }
      : { name, shape: named.shape, type: 'F16', bytes: () => bytesOf(halves(check, name, values())) };
  });
  const metadata = { format: 'pt', [METADATA_KEY]: JSON.stringify(metadataOf(parts)) };
  try {
    await makeFolder(dirname(file));
    await writeTogether(dirname(file), [[basename(file), safetensorsBytes(tensors, metadata)]]);
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_RANGE') throw cause;
    check.fail('ERR_DATA', file, 'a file that can be written', (cause as Error).message, { cause });
  }
}

/** Little-endian, as every platform of the addon is. */
function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function halves(check: Check, name: string, values: Float32Array): Uint16Array {
  const large = values.find((value) => Math.abs(value) > FLOAT16_MAX);
  if (large !== undefined) {
    check.fail('ERR_RANGE', name, `weights of at most ${String(FLOAT16_MAX)}, which float16 holds,`, String(large));
  }
  return Uint16Array.from(values, float16Bits);
}
