// Counts this process's threads (Linux) around small calls, large calls and many promised calls at once, and watches them
// sleep afterwards. Prints one line of JSON.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AnchorGrid,
  assignAnchors,
  decodeDetections,
  nms,
  retinanetLoss,
  setNumThreads,
  sigmoidFocalLossValueAndGrad,
  smoothL1LossValueAndGrad,
} from 'retinanet-ops';
import { sigmoidFocalLossValueAndGrad as promised } from 'retinanet-ops/promises';
import { integers, random, randomBoxes, uniform } from './random.js';

const threads = () => readdirSync('/proc/self/task');
const next = random(1);

/** Every operation with N * K = 1,000 or as much work. */
function smallCalls(): void {
  const logits = uniform(next, 1000, -6, 2);
  sigmoidFocalLossValueAndGrad(logits, integers(next, 10, -2, 100), { numClasses: 100, normalizer: 'positives' });
  sigmoidFocalLossValueAndGrad(logits, new Float32Array(1000), { numClasses: 1 });
  smoothL1LossValueAndGrad(logits, uniform(next, 1000, -1, 1));
  const boxes = randomBoxes(next, 100, 100, 5, 40);
  nms(boxes, uniform(next, 100, 0, 1));
  const anchors = new AnchorGrid({ imageHeight: 32, imageWidth: 32 });
  const classLogits = uniform(next, anchors.count * 2, -6, 2);
  const boxDeltas = uniform(next, anchors.count * 4, -0.3, 0.3);
  const truth = {
    boxes: randomBoxes(next, 3, 32, 5, 20),
    labels: Int32Array.of(0, 1, 0),
    offsets: Int32Array.of(0, 3),
  };
  assignAnchors(anchors, truth.boxes, truth.labels);
  retinanetLoss({ classLogits, boxDeltas, anchors, groundTruth: truth });
  decodeDetections({ classLogits, boxDeltas, anchors });
}

setNumThreads(4);
const before = threads().length;
for (let i = 0; i < 20; i++) smallCalls();
const afterSmall = threads().length;

const logits = uniform(next, 400_000, -6, 2);
const labels = integers(next, 4000, -2, 100);
const want = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 100 });
const afterLarge = threads().length;

let wrong = 0;
const results = await Promise.all(Array.from({ length: 64 }, () => promised(logits, labels, { numClasses: 100 })));
for (const { loss, grad } of results) if (loss !== want.loss || !grad.every((g, i) => g === want.grad[i])) wrong++;

// A thread that spins is running whenever one looks; this one runs because it looks.
const awake = new Set(threads().filter((id) => id !== String(process.pid)));
for (let look = 0; look < 100 && awake.size > 0; look++) {
  await sleep(10);
  for (const id of awake) {
    const state = /^\d+ \(.*\) (\w)/.exec(readFileSync(`/proc/self/task/${id}/stat`, 'utf8'))?.[1];
    if (state === 'S') awake.delete(id);
  }
}
console.log(JSON.stringify({ small: afterSmall - before, large: afterLarge - afterSmall, awake: awake.size, wrong }));
