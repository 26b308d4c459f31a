// The same calls on tensors in a CUDA device's memory, where there is one.
import { backendInfo, cuda, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';

if (!cuda.isAvailable()) {
  const { reason, detail } = backendInfo().cuda;
  console.log(`CUDA is not usable: ${reason}${detail ? ` (${detail})` : ''}`);
  process.exit();
}
const [anchors, classes] = [100_000, 80];
const values = Float32Array.from({ length: anchors * classes }, (_, i) => Math.sin(i) - 4);
const logits = cuda.tensor(values, { shape: [anchors, classes] });
const labels = cuda.tensor(Int32Array.from({ length: anchors }, (_, i) => (i % 100 === 0 ? i % classes : -1)));
const { loss, grad } = sigmoidFocalLossValueAndGrad(logits, labels, { normalizer: 'positives' }); // queued, not awaited
const [value] = await loss.data();
console.log(
  `loss ${value.toFixed(4)}, gradient [${grad.shape.join(', ')}], ${cuda.memory().bytes} bytes on the device`,
);
for (const tensor of [logits, labels, loss, grad]) tensor.dispose();
