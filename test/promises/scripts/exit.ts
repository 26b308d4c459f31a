// Ends, in the way that the argument says, while promised work is queued and running.
import { setNumThreads } from 'retinanet-ops';
import { boxIou, sigmoidFocalLoss } from 'retinanet-ops/promises';
import { randomBoxes, random } from '../../support/random.js';

setNumThreads(2);
const boxes = randomBoxes(random(1), 1000, 500, 5, 60);
const pending: Promise<unknown>[] = [];
for (let i = 0; i < 16; i++) {
  pending.push(boxIou(boxes, boxes), sigmoidFocalLoss(new Float32Array(200_000).fill(-2), new Int32Array(2000)));
}

const how = process.argv[2];
if (how === 'exit') process.exit(7);
if (how === 'exit-later') setTimeout(() => process.exit(7), 10);
if (how === 'throw') throw new Error('uncaught, as intended');
if (how === 'reject') void boxIou(boxes.subarray(1), boxes);
if (how === 'natural') {
  // Nobody waits for the promises; the process ends by itself when the work is done.
  void Promise.all(pending).then((results) => {
    process.exitCode = results.length === 32 ? 0 : 3;
  });
}
