import test from 'ava';
import { crc32 } from 'node:zlib';
import { AnchorGrid, assignAnchors } from 'retinanet-ops';
import { matchReference } from './reference/assign.js';
import { mismatch } from './support/compare.js';
import { cocoAvailable, cocoImages, dataFolder } from './support/coco.js';
import { goldenLines } from './support/goldens.js';

const strides = [8, 16, 32, 64, 128];
const grid = new AnchorGrid({
  imageHeight: 640,
  imageWidth: 640,
  strides,
  baseSizes: strides.map((stride) => 4 * stride),
  scales: [1, 2 ** (1 / 3), 2 ** (2 / 3)],
  aspectRatios: [0.5, 1, 2],
});

// A skipped test is visible in the report; its title says what is missing.
const onData = cocoAvailable ? test : test.skip;
const missing = cocoAvailable ? '' : ` (no coco_val2017_boxes.txt in ${dataFolder})`;

onData(`all of COCO val2017 matches as torchvision does, by a checksum of each image${missing}`, (t) => {
  const [, ...lines] = goldenLines('coco-matcher.txt');
  const images = cocoImages();
  t.is(images.length, 4952);
  t.is(lines.length, 4952);
  const wrong: string[] = [];
  images.forEach((image, i) => {
    const { matches, numPositives } = assignAnchors(grid, image.boxes, image.labels);
    const checksum = crc32(Buffer.from(matches.buffer, matches.byteOffset, matches.byteLength));
    const line = `${image.name} ${checksum.toString(16).padStart(8, '0')} ${numPositives}`;
    if (line !== lines[i]) wrong.push(`${line}, wanted ${lines[i]}`);
  });
  t.deepEqual(wrong.slice(0, 10), [], `${wrong.length} images differ`);
});

onData(`all of COCO val2017 matches as the exhaustive reference does${missing}`, (t) => {
  t.timeout(600_000);
  const anchors = grid.boxes();
  const wrong: string[] = [];
  for (const image of cocoImages()) {
    const want = matchReference(anchors, image.boxes);
    const got = assignAnchors(anchors, image.boxes, image.labels);
    const sentence = mismatch(got.matches, want.matches) ?? mismatch(got.unmatchedGt, want.unmatchedGt);
    if (sentence !== null) wrong.push(`${image.name} ${sentence}`);
  }
  t.deepEqual(wrong.slice(0, 10), [], `${wrong.length} images differ`);
});
