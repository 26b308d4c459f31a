// Detections against the reference on the instruction set that RETINANET_OPS_CPU names, rows without a finite box among them.
// Prints one line of JSON.
import { AnchorGrid, backendInfo, decodeDetections } from 'retinanet-ops';
import { decodeImageReference } from '../reference/decode.js';
import { mismatch } from './compare.js';
import { random, shuffled, uniform } from './random.js';

const size = { imageHeight: 75, imageWidth: 110 };
const anchors = new AnchorGrid({ ...size, strides: [16, 32] });
const levelCounts = anchors.levels.map((level) => level.count);
const settings = { ...size, levelCounts, scoreThreshold: 0.05, topK: 100, iouThreshold: 0.5, maxDetections: 300 };
const wrong: string[] = [];
let detections = 0;
for (let round = 0; round < 8; round++) {
  const next = random(round);
  const numClasses = 1 + round;
  const total = anchors.count * numClasses;
  const classLogits = Float32Array.from(shuffled(next, total), (i) => -6 + (8 * i) / total);
  const boxDeltas = uniform(next, 4 * anchors.count, -0.4, 0.4);
  for (let i = round; i < boxDeltas.length; i += 11) boxDeltas[i] = [NaN, Infinity, -Infinity, -NaN][i % 4]!;
  const options = { ...settings, numClasses, classAgnostic: round % 2 === 1 };
  const got = decodeDetections({ classLogits, boxDeltas, anchors, ...options });
  const want = decodeImageReference(classLogits, boxDeltas, { ...options, anchors: anchors.boxes() });
  const found =
    mismatch(got.labels, want.labels) ??
    mismatch(got.scores, want.scores, { relative: 1e-6 }) ??
    mismatch(got.boxes, want.boxes, { relative: 1e-6, absolute: 2e-5 });
  if (found !== null) wrong.push(found);
  detections += got.labels.length;
}
console.log(JSON.stringify({ instructionSet: backendInfo().cpu.instructionSet, detections, wrong }));
