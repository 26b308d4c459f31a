// Detectors as ONNX files.
import { Check } from '../../arguments/check.js';
import { oneOf, type OptionsOf } from '../../arguments/options.js';
import { SELECTION, type SelectionOptions } from '../../operations/decode-detections.js';
import { metadataOf } from '../model/io.js';
import { makeFolder } from '../make-folder.js';
import { writeTogether } from '../write-together.js';
import { checkNet, type NetParts, type RetinaNet } from '../model/net.js';
import { addDetections } from './onnx-detections.js';
import { encodeOnnx, type Port } from './onnx-format.js';
import { OnnxGraph } from './onnx-graph.js';
import { addLayers } from './onnx-layers.js';
import { basename, dirname } from 'node:path';

const OPSET = 17;
/** The version of the format that came with the operators. */
const IR_VERSION = 8;

const OWN = {
  /** What the filters are stored as; the network computes with float32. `float16` halves the file. Default `float32`. */
  precision: oneOf(['float32', 'float16'], 'float32'),
  /** What the file gives: the network's own outputs (default), or detections. */
  outputs: oneOf(['raw', 'detections'], 'raw'),
};
const OPTIONS = { ...OWN, ...SELECTION };

/** Options of `exportOnnx`. What selects detections is built into the file, or with `raw` in its metadata only. */
export interface ExportOnnxOptions extends OptionsOf<typeof OWN>, SelectionOptions {}

/**
 * Writes a detector as an ONNX file: operators of opset 17, which ONNX Runtime runs from version 1.12 on, in Node.js, browsers, Python
 * and elsewhere. An older file is replaced only when the new one is complete. Folders on the way are made.
 *
 * Input `image`: float32 [B, H, W, 3], RGB 0..255, of the size that the net was made for, which is its `imageHeight` and `imageWidth`
 * also where it has a `shorterSide`; the network normalises it itself. Outputs:
 *
 * - `raw`: `class_logits` [B, A, K] and `box_deltas` [B, A, 4], as {@link RetinaNet} gives them, for any B.
 * - `detections`: `boxes` [D, 4] x1, y1, x2, y2 in pixels, `scores` [D] and `labels` [D] (int64) by falling score, for one image (B is
 *   1): what `decodeDetections` finds with the same options, suppression included.
 *
 * The file's metadata has, as JSON, what `model.json` has: `config`, `classNames` and `anchors` (see {@link RetinaNetMetadata}), and
 * `selection`, the thresholds.
 *
 * @param file its path; by custom it ends in .onnx
 * @throws RetinanetOpsError `ERR_DATA` where the file can't be written, or for a layer that createRetinaNet doesn't make; `ERR_DTYPE`,
 *   `ERR_SHAPE`, `ERR_RANGE` or `ERR_OPTION` for other arguments that don't fit
 */
export async function exportOnnx(net: RetinaNet, file: string, options: ExportOnnxOptions = {}): Promise<void> {
  const check = new Check('exportOnnx');
  const parts = checkNet(check, net);
  check.string('file', file);
  const { precision, outputs: kind, ...selection } = check.options('options', options, OPTIONS);
  const graph = new OnnxGraph(precision);
  for (const name of ['image', 'boxes', 'scores', 'labels', 'class_logits', 'box_deltas']) graph.reserve(name);
  const raw = addLayers(check, graph, parts.model, 'image') as [string, string];
  const values =
    kind === 'raw' ? { class_logits: raw[0], box_deltas: raw[1] } : addDetections(graph, raw, parts, selection);
  for (const [name, value] of Object.entries(values)) graph.output(value, name);
  const metadata = { ...metadataOf(parts), selection };
  const bytes = await encodeOnnx({
    opset: OPSET,
    irVersion: IR_VERSION,
    nodes: graph.nodes,
    initializers: graph.initializers,
    ...portsOf(parts, kind),
    metadata: Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
    ),
  });
  try {
    await makeFolder(dirname(file));
    await writeTogether(dirname(file), [[basename(file), bytes]]);
  } catch (cause) {
    check.fail('ERR_DATA', file, 'a file that can be written', (cause as Error).message, { cause });
  }
}

function portsOf({ config, anchors }: NetParts, kind: 'raw' | 'detections'): { inputs: Port[]; outputs: Port[] } {
  const batch = kind === 'raw' ? 'batch' : 1;
  const float = (name: string, ...dims: (number | string)[]): Port => ({ name, type: 'float32', dims });
  return {
    inputs: [float('image', batch, config.imageHeight, config.imageWidth, 3)],
    outputs:
      kind === 'raw'
        ? [float('class_logits', batch, anchors.count, config.numClasses), float('box_deltas', batch, anchors.count, 4)]
        : [
            float('boxes', 'detections', 4),
            float('scores', 'detections'),
            { name: 'labels', type: 'int64', dims: ['detections'] },
          ],
  };
}
