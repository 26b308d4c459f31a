// A RetinaNet that learns to find coloured squares: data set, training, evaluation.
import { createRetinaNet, detect, evaluateDetections, trainRetinaNet, useNativeBackend } from 'retinanet-ops/retinanet';

const [length, size] = [8, 64];
let state = 1;
const random = (limit) => Math.floor(((state = (state * 16807) % 2147483647) / 2147483647) * limit);
const images = new Uint8Array(new SharedArrayBuffer(length * size * size * 3)).fill(110); // [n, H, W, 3]
const [boxes, labels] = [[], []];
for (let i = 0; i < length; i++) {
  const [colour, side] = [random(3), 16 + random(16)];
  const [left, top] = [random(size - side), random(size - side)];
  for (let y = top; y < top + side; y++)
    for (let x = left; x < left + side; x++) images[((i * size + y) * size + x) * 3 + colour] = 250;
  boxes.push(left, top, left + side, top + side);
  labels.push(colour);
}
const dataset = {
  ...{ classNames: ['red', 'green', 'blue'], imageHeight: size, imageWidth: size, length, images },
  ...{ boxes: Float32Array.from(boxes), labels: Int32Array.from(labels) },
  offsets: Int32Array.from({ length: length + 1 }, (_, i) => i), // one box per image
};

await useNativeBackend();
const net = createRetinaNet({ numClasses: 3, imageHeight: size, imageWidth: size });
await trainRetinaNet(net, dataset, {
  ...{ steps: 60, batchSize: 4, augment: false },
  onStep: ({ step, loss }) => step % 20 === 0 && console.log(`step ${step}: loss ${loss.toFixed(3)}`),
});
const found = await detect(net, dataset.images);
console.log(`mean AP on the training images: ${evaluateDetections(found, dataset).meanAp.toFixed(2)}`);
net.dispose();
