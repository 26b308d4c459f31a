// Detectors for stock TensorFlow.js.
import { Check } from '../../arguments/check.js';
import { SELECTION, type SelectionOptions } from '../../operations/decode-detections.js';
import { writeNet } from '../model/io.js';
import { checkNet, type RetinaNet } from '../model/net.js';

/** Options of `exportTfjs`: what its readers are to select detections by; none of it changes the network. */
export interface ExportTfjsOptions extends SelectionOptions {}

/**
 * Writes `model.json` and `weights.bin` as `saveRetinaNet` does, for `tf.loadLayersModel` of stock TensorFlow.js, and with them how
 * detections are to be selected: `userDefinedMetadata` in `model.json` is a {@link RetinaNetMetadata} with `selection`.
 *
 * Input: [B, H, W, 3] float32, RGB 0..255. Outputs: class logits [B, A, K] and box deltas [B, A, 4].
 *
 * @throws RetinanetOpsError `ERR_DATA` naming the directory where it can't be written; `ERR_DTYPE`, `ERR_SHAPE`, `ERR_RANGE` or
 *   `ERR_OPTION` for other arguments that don't fit
 */
export async function exportTfjs(net: RetinaNet, directory: string, options: ExportTfjsOptions = {}): Promise<void> {
  const check = new Check('exportTfjs');
  const parts = checkNet(check, net);
  check.string('directory', directory);
  await writeNet(check, parts, directory, { selection: check.options('options', options, SELECTION) });
}
