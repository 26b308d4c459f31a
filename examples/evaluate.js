// Average precision of detections, as the COCO tool computes it.
import { evaluateDetections } from 'retinanet-ops/retinanet';

const truth = {
  classNames: ['cat', 'dog'],
  boxes: Float32Array.of(10, 10, 50, 50, /**/ 60, 20, 90, 70, /**/ 5, 5, 30, 40), // [G, 4]
  labels: Int32Array.of(0, 1, 1), // [G]
  offsets: Int32Array.of(0, 2, 3), // [n + 1]: two boxes in the first image, one in the second
};
const detections = {
  boxes: Float32Array.of(12, 11, 50, 52, /**/ 61, 20, 92, 70, /**/ 40, 40, 60, 60), // [D, 4]
  scores: Float32Array.of(0.9, 0.8, 0.7), // [D]
  labels: Int32Array.of(0, 1, 1), // [D]
  offsets: Int32Array.of(0, 2, 3), // [n + 1]
};
const { meanAp, classes } = evaluateDetections(detections, truth, { iouThreshold: 0.5 });
for (const { name, ap, numGroundTruth } of classes)
  console.log(`${name}: AP ${ap.toFixed(3)} of ${numGroundTruth} boxes`);
console.log(`mean AP ${meanAp.toFixed(3)}`);
