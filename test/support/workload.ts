// Calls large enough that several threads share each of them, with inputs that differ by seed.
import { AnchorGrid } from 'retinanet-ops';
import type { Operation } from './calls.js';
import { integers, randomBoxes, uniform } from './random.js';

export interface Work {
  name: Operation;
  args: unknown[];
}

const grid = new AnchorGrid({ imageHeight: 128, imageWidth: 160, strides: [8, 16, 32] });

export function workload(next: () => number): Work[] {
  const floats = (count: number, low: number, high: number) => uniform(next, count, low, high);
  const labels = (count: number, low: number, high: number) => integers(next, count, low, high);
  const [images, classes, objects] = [2, 3, 5];
  const anchors = grid.count;
  const classLogits = floats(images * anchors * classes, -6, 2);
  const boxDeltas = floats(images * anchors * 4, -0.5, 0.5);
  const groundTruth = {
    boxes: randomBoxes(next, objects, 100, 10, 60),
    labels: labels(objects, 0, classes),
    offsets: Int32Array.of(0, 2, objects),
  };
  const boxes = randomBoxes(next, 400, 200, 10, 60);
  const spoilt = boxDeltas.map((delta, i) => (i % 29 === 0 ? ([NaN, Infinity, -Infinity][i % 3] as number) : delta));
  const outputs = { classLogits, boxDeltas, anchors: grid };
  return [
    { name: 'sigmoidFocalLoss', args: [classLogits, labels(images * anchors, -2, classes)] },
    {
      name: 'sigmoidFocalLossValueAndGrad',
      args: [classLogits, labels(images * anchors, -2, classes), { reduction: 'none' }],
    },
    { name: 'smoothL1LossValueAndGrad', args: [boxDeltas, floats(boxDeltas.length, -1, 1), { beta: 0.1 }] },
    { name: 'assignAnchorsBatch', args: [grid, groundTruth] },
    { name: 'decodeBoxes', args: [grid, boxDeltas.slice(0, 4 * anchors)] },
    { name: 'boxIou', args: [boxes, groundTruth.boxes] },
    { name: 'nms', args: [boxes, floats(400, 0, 1), { classes: labels(400, 0, 3) }] },
    { name: 'decodeDetections', args: [{ ...outputs, topK: 100 }] },
    { name: 'decodeDetections', args: [{ ...outputs, boxDeltas: spoilt, topK: 100, classAgnostic: true }] },
    { name: 'retinanetLoss', args: [{ ...outputs, groundTruth }] },
    { name: 'selectHardNegatives', args: [floats(images * anchors, 0, 4), labels(images * anchors, -2, classes)] },
    {
      name: 'selectHardNegatives',
      args: [floats(images * anchors, 0, 4), labels(images * anchors, -2, 0), { minNegatives: 77 }],
    },
  ];
}
