// Runs in a process of its own: prints how many bytes the peak of resident memory rose by during one operation.
import {
  AnchorGrid,
  assignAnchors,
  retinanetLoss,
  sigmoidFocalLoss,
  sigmoidFocalLossValueAndGrad,
} from 'retinanet-ops';
import { peak } from './peak.js';
import { integers, random, randomBoxes } from './random.js';

const [, , what = '', first = '', second = ''] = process.argv;
const [a, b] = [Number(first), Number(second)];
const next = random(1);

const tasks: Record<string, () => () => void> = {
  // a anchors, b boxes
  assign: () => {
    const [anchors, gt] = [randomBoxes(next, a, 4000, 8, 90), randomBoxes(next, b, 4000, 20, 90)];
    const labels = new Int32Array(b);
    return () => assignAnchors(anchors, gt, labels);
  },
  // about a anchors, b boxes
  assignGrid: () => {
    const side = Math.round(Math.sqrt((64 * a) / 9));
    const grid = new AnchorGrid({ imageHeight: side, imageWidth: side, strides: [8] });
    const gt = randomBoxes(next, b, side, 4, 90);
    const labels = new Int32Array(b);
    return () => assignAnchors(grid, gt, labels);
  },
  // a anchors, b classes
  focal: () => {
    const logits = new Float32Array(a * b).fill(-2);
    const labels = integers(next, a, -2, b);
    return () => sigmoidFocalLoss(logits, labels, { numClasses: b });
  },
  focalInPlace: () => {
    const [logits, out] = [new Float32Array(a * b).fill(-2), new Float32Array(a * b).fill(1)];
    const labels = integers(next, a, -2, b);
    return () => sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: b, out });
  },
  // a anchors, b boxes, 4 classes, one image
  loss: () => {
    const [anchors, boxes] = [randomBoxes(next, a, 4000, 8, 90), randomBoxes(next, b, 4000, 20, 90)];
    const [classLogits, classGrad] = [new Float32Array(4 * a).fill(-2), new Float32Array(4 * a).fill(1)];
    const [boxDeltas, boxGrad] = [new Float32Array(4 * a).fill(0.1), new Float32Array(4 * a).fill(1)];
    const groundTruth = { boxes, labels: integers(next, b, 0, 4), offsets: new Int32Array([0, b]) };
    return () => retinanetLoss({ classLogits, boxDeltas, anchors, groundTruth, out: { classGrad, boxGrad } });
  },
};

const run = tasks[what]!();
const before = process.memoryUsage.rss();
run();
console.log(Math.max(0, peak() - before));
