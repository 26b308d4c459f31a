// What is in the images of a batch: boxes, labels, and which image owns which.
import type { GroundTruthArguments } from '../../binding.js';
import type { Call } from '../arguments/call.js';
import { array, neededArray, type FloatArray, type IntArray, type OptionsOf } from '../arguments/options.js';
import type { Floats, Ints } from '../runtime/device-tensor.js';

export const GROUND_TRUTH = {
  /** [G, 4] x1, y1, x2, y2 in pixels, finite, with area. */
  boxes: neededArray<FloatArray>(),
  /** [G], class labels >= 0. */
  labels: neededArray<IntArray>(),
  /** [B + 1], from 0 to G; always on the host. */
  offsets: neededArray<Int32Array>(),
  /** [I, 4] see MatchOptions.ignoreIof. */
  ignoreBoxes: array<FloatArray>(),
  /** [B + 1], from 0 to I; always on the host. */
  ignoreOffsets: array<Int32Array>(),
};

/** Ground truth of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1]. */
export interface GroundTruth<F extends Floats = Float32Array> extends OptionsOf<typeof GROUND_TRUTH, F> {}

/** The ground truth of a batch as native code takes it, validated. */
export function readGroundTruth(
  call: Call,
  groundTruth: unknown,
  numClasses?: number,
): { truth: GroundTruthArguments; images: number } {
  const given = call.options('groundTruth', groundTruth, GROUND_TRUTH, 'groundTruth.');
  const { boxes, labels, count } = readBoxes(
    call,
    'groundTruth.boxes',
    given.boxes,
    'groundTruth.labels',
    given.labels,
    numClasses,
  );
  const offsets = call.array('Int32Array', 'groundTruth.offsets', given.offsets);
  const images = call.offsets('groundTruth.offsets', offsets, count);
  const truth = { gtBoxes: boxes, gtLabels: labels, gtOffsets: offsets, ignoreBoxes: null, ignoreOffsets: null };
  const { ignoreBoxes, ignoreOffsets } = given;
  if (ignoreBoxes === undefined && ignoreOffsets === undefined) return { truth, images };
  if (ignoreBoxes === undefined || ignoreOffsets === undefined) {
    const missing = ignoreBoxes === undefined ? 'ignoreBoxes' : 'ignoreOffsets';
    call.fail('ERR_OPTION', `groundTruth.${missing}`, 'ignoreBoxes and ignoreOffsets together', 'undefined');
  }
  const ignored = readIgnored(call, 'groundTruth.ignoreBoxes', ignoreBoxes);
  const [name, shape] = ['groundTruth.ignoreOffsets', 'as many as offsets'];
  const ofIgnored = call.array('Int32Array', name, ignoreOffsets, images + 1, shape);
  call.offsets(name, ofIgnored, ignored.count);
  return { truth: { ...truth, ignoreBoxes: ignored.boxes, ignoreOffsets: ofIgnored }, images };
}

/** Boxes and labels of one image or all. */
export function readBoxes(
  call: Call,
  boxesName: string,
  boxesValue: unknown,
  labelsName: string,
  labelsValue: unknown,
  numClasses?: number,
): { boxes: Floats; labels: Ints; count: number } {
  const boxes = call.groundTruth('Float32Array', boxesName, boxesValue);
  const count = call.boxes(boxesName, boxes, { area: true });
  const labels = call.groundTruth('Int32Array', labelsName, labelsValue, count, '(one per box)');
  call.labels(labelsName, labels, 0, numClasses);
  return { boxes, labels, count };
}

/** Boxes in which background anchors are ignored. */
export function readIgnored(call: Call, name: string, value: unknown): { boxes: Floats; count: number } {
  const boxes = call.groundTruth('Float32Array', name, value);
  return { boxes, count: call.boxes(name, boxes, { area: true }) };
}
