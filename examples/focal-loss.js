// The focal loss of three anchors and three classes, with its gradient.
import { sigmoidFocalLossValueAndGrad } from 'retinanet-ops';

const logits = Float32Array.of(-2, 0.5, -1, /**/ -3, -4, -2.5, /**/ 1, -1, 0); // [3, 3]
const labels = Int32Array.of(1, -1, -2); // class 1, background, ignored
const { loss, grad, numPositives } = sigmoidFocalLossValueAndGrad(logits, labels, {
  alpha: 0.25,
  gamma: 2,
  normalizer: 'positives',
});
console.log(`loss ${loss.toFixed(4)} over ${numPositives} positive anchor`);
console.log(`gradient of the ignored anchor: ${grad.subarray(6).join(' ')}`);
