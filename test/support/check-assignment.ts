// Assignment against the exhaustive reference on the instruction set that RETINANET_OPS_CPU names: runs of every length and
// phase, boxes that tie. Prints one line of JSON.
import { AnchorGrid, assignAnchors, backendInfo } from 'retinanet-ops';
import { assignReference } from '../reference/assign.js';
import { mismatch } from './compare.js';
import { integers, random, randomBoxes } from './random.js';

const next = random(9);
const wrong: string[] = [];
let pairs = 0;
for (const ratios of [[1], [0.5, 2], [0.5, 1, 2], [0.4, 0.6, 1, 1.5, 2.5, 3, 4]]) {
  for (let round = 0; round < 12; round++) {
    const [imageHeight, imageWidth] = [40 + 5 * round, 150 - 7 * round];
    const grid = new AnchorGrid({ imageHeight, imageWidth, strides: [8, 16, 32], aspectRatios: ratios });
    const anchors = grid.boxes();
    const gt = randomBoxes(next, 1 + 3 * round, 150, 2, 100, round % 2 === 0);
    const labels = integers(next, gt.length / 4, 0, 9);
    const options = { ignoreBoxes: randomBoxes(next, 2, 150, 20, 60) };
    const want = assignReference(anchors, gt, labels, options);
    for (const given of [grid, anchors]) {
      const got = assignAnchors(given, gt, labels, options);
      const found = mismatch(got.matches, want.matches) ?? mismatch(got.labels, want.labels);
      if (found !== null) wrong.push(found);
    }
    pairs += grid.count * labels.length;
  }
}
console.log(JSON.stringify({ instructionSet: backendInfo().cpu.instructionSet, pairs, wrong }));
