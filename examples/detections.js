// From the outputs of a network to detections, and non-maximum suppression by itself.
import { AnchorGrid, decodeDetections, encodeBoxes, nms, priorBias } from 'retinanet-ops';

const numClasses = 3;
const anchors = new AnchorGrid({ imageHeight: 128, imageWidth: 128, strides: [32] });
const classLogits = new Float32Array(anchors.count * numClasses).fill(priorBias(0.01)); // [1, A, K]
classLogits[40 * numClasses + 1] = 3; // anchor 40 is sure of class 1, its neighbour less so
classLogits[41 * numClasses + 1] = 1;
// Deltas that lead from every anchor to one and the same box.
const box = [20, 30, 90, 100];
const boxDeltas = encodeBoxes(
  anchors,
  Float32Array.from({ length: 4 * anchors.count }, (_, i) => box[i % 4]),
);

const { boxes, scores, labels } = decodeDetections({ classLogits, boxDeltas, anchors });
console.log(
  `${scores.length} detection: class ${labels[0]}, score ${scores[0].toFixed(3)}, box ${boxes.map(Math.round).join(', ')}`,
);

const overlapping = Float32Array.of(0, 0, 10, 10, /**/ 1, 1, 11, 11, /**/ 20, 20, 30, 30); // [3, 4]
console.log(`kept rows: ${nms(overlapping, Float32Array.of(0.6, 0.9, 0.3), { iouThreshold: 0.5 }).join(', ')}`);
