import test from 'ava';
import { crc32 } from 'node:zlib';
import { AnchorGrid, assignAnchors } from 'retinanet-ops';
import { matchReference } from '../reference/assign.js';
import { mismatch } from '../support/compare.js';
import { cocoAvailable, cocoImages, dataFolder } from '../support/coco.js';
import { goldenLines } from '../support/goldens.js';
import { EVERY } from './driver/calls.js';

const strides = [8, 16, 32, 64, 128];
const grid = new AnchorGrid({
  imageHeight: 640,
  imageWidth: 640,
  strides,
  baseSizes: strides.map((stride) => 4 * stride),
  scales: [1, 2 ** (1 / 3), 2 ** (2 / 3)],
  aspectRatios: [0.5, 1, 2],
});

// The emulated CUDA plugin is too slow for all images: scripts/test-emulated.mjs asks for every so-manieth.
const which = EVERY === 1 ? 'all' : `every ${EVERY}th image`;

// A skipped test is visible in the report; its title says what is missing.
const onData = cocoAvailable ? test : test.skip;
const missing = cocoAvailable ? '' : ` (no coco_val2017_boxes.txt in ${dataFolder})`;

onData(`${which} of COCO val2017 is assigned as by torchvision and by the exhaustive reference${missing}`, (t) => {
  const [, ...lines] = goldenLines('coco-matcher.txt');
  const images = cocoImages();
  const anchors = grid.boxes();
  t.is(images.length, 4952);
  t.is(lines.length, 4952);
  const unlikeTorchvision: string[] = [];
  const unlikeReference: string[] = [];
  const unlikeGrid: string[] = [];
  images.forEach(({ name, boxes, labels }, i) => {
    if (i % EVERY !== 0) return;
    const got = assignAnchors(grid, boxes, labels);
    const { matches } = got;
    const checksum = crc32(Buffer.from(matches.buffer, matches.byteOffset, matches.byteLength));
    const line = `${name} ${checksum.toString(16).padStart(8, '0')} ${got.numPositives}`;
    if (line !== lines[i]) unlikeTorchvision.push(`${line}, wanted ${lines[i] ?? ''}`);

    const want = matchReference(anchors, boxes);
    const wrong = mismatch(matches, want.matches) ?? mismatch(got.unmatchedGt, want.unmatchedGt);
    if (wrong !== null) unlikeReference.push(`${name} ${wrong}`);

    // The grid written out must give the same; its blocks are the same, so a sample will do.
    if ((i / EVERY) % 16 !== 0) return;
    const listed = assignAnchors(anchors, boxes, labels);
    const differs = mismatch(listed.matches, matches) ?? mismatch(listed.boxTargets, got.boxTargets);
    if (differs !== null) unlikeGrid.push(`${name} ${differs}`);
  });
  t.deepEqual(unlikeTorchvision.slice(0, 10), [], `${unlikeTorchvision.length} images differ from torchvision`);
  t.deepEqual(unlikeReference.slice(0, 10), [], `${unlikeReference.length} images differ from the reference`);
  t.deepEqual(unlikeGrid.slice(0, 10), [], `${unlikeGrid.length} images differ from the materialised grid`);
});
