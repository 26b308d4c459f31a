// A training loop of one's own on typed arrays: assignment, loss and gradients in one call, and plain gradient descent. What is
// trained here are the outputs themselves; a network would pass the two gradients on to its layers.
import { AnchorGrid, decodeDetections, priorBias, retinanetLoss } from 'retinanet-ops';

const [numClasses, size] = [2, 64];
const anchors = new AnchorGrid({ imageHeight: size, imageWidth: size, strides: [8, 16, 32] });
const groundTruth = {
  boxes: Float32Array.of(4, 6, 40, 38, /**/ 30, 30, 60, 62), // [G, 4]
  labels: Int32Array.of(0, 1), // [G]
  offsets: Int32Array.of(0, 2), // [B + 1]: one image with two boxes
};
const classLogits = new Float32Array(anchors.count * numClasses).fill(priorBias(0.01)); // [1, A, K]
const boxDeltas = new Float32Array(anchors.count * 4); // [1, A, 4]
const out = { classGrad: new Float32Array(classLogits.length), boxGrad: new Float32Array(boxDeltas.length) };

const steps = 400;
for (let step = 0; step <= steps; step++) {
  const learningRate = 8 * (1 - step / steps);
  const { loss, classGrad, boxGrad } = retinanetLoss({ classLogits, boxDeltas, anchors, groundTruth, out });
  classGrad.forEach((slope, i) => (classLogits[i] -= learningRate * slope));
  boxGrad.forEach((slope, i) => (boxDeltas[i] -= learningRate * slope));
  if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}`);
}

const found = decodeDetections({ classLogits, boxDeltas, anchors, scoreThreshold: 0.5 });
found.labels.forEach((label, i) => {
  const box = Array.from(found.boxes.subarray(4 * i, 4 * i + 4), Math.round);
  console.log(`class ${label} at ${box.join(', ')}: ${found.scores[i].toFixed(2)}`);
});
