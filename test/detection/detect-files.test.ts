// Objects in the pictures of files.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  type DetectFilesOptions,
  detectFiles,
  type FileDetections,
  type RetinaNet,
  saveRetinaNet,
} from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { runScript } from '../support/child.js';
import { type Box, iou, pictureOf, temporaryFolder, trainedNet } from './squares.js';

const RED: Box = [40, 60, 160, 170];
const BLUE: Box = [210, 230, 300, 330];
const { folder, remove } = temporaryFolder();
test.after.always(remove);
let net: RetinaNet;
let files: string[];

test.before(async () => {
  net = await trainedNet();
  const sizes = [
    [320, 360],
    [360, 340],
    [330, 350],
    [900, 340],
    [320, 335],
  ] as const;
  files = sizes.map((_, i) => join(folder, `${i}.png`));
  for (const [i, [width, height]] of sizes.entries()) {
    await pictureOf(width, height, ['red', RED], ['blue', BLUE]).toFile(files[i]!);
  }
});

async function all(paths: string[], options: DetectFilesOptions = {}): Promise<FileDetections[]> {
  const found: FileDetections[] = [];
  for await (const one of detectFiles(net, paths, options)) found.push(one);
  return found;
}

/** The best box of a class. */
function best({ boxes, labels }: FileDetections, label: number): Float32Array {
  const row = labels.indexOf(label);
  return boxes.subarray(4 * row, 4 * row + 4);
}

test('boxes are in pixels of the pictures, whatever their size, in the order of the files', async (t) => {
  const found = await all(files, { scoreThreshold: 0.2 });
  t.deepEqual(
    found.map(({ file }) => file),
    files,
  );
  for (const one of found) {
    const { width, height } = await sharp(one.file).metadata();
    t.deepEqual([one.width, one.height], [width, height]);
    if (width > 800) continue; // its rectangles are smaller than any that the net has seen
    t.true(iou(best(one, 1), RED) > 0.4, `${one.file} ${best(one, 1).join()}`);
    t.true(iou(best(one, 0), BLUE) > 0.4, `${one.file} ${best(one, 0).join()}`);
    t.true(one.boxes.every((edge, i) => edge >= 0 && edge <= (i % 2 === 0 ? width : height)));
  }
});

test('the boxes do not depend on the size of batches', async (t) => {
  const scoreThreshold = 0.001;
  const one = await all(files, { batchSize: 1, scoreThreshold });
  t.true(one.every(({ scores }) => scores.length > 2));
  for (const batchSize of [2, 3, 8]) t.deepEqual(await all(files, { batchSize, scoreThreshold }), one);
});

test('a picture that a camera turned has the boxes of the same picture stored upright', async (t) => {
  const upright = join(folder, 'upright.png');
  const raw = await pictureOf(300, 200, ['red', [30, 20, 130, 120]]).toBuffer({ resolveWithObject: true });
  await sharp(raw.data, { raw: raw.info }).toFile(upright);
  const turned = join(folder, 'turned.png');
  // Orientation 6: to be turned by a quarter clockwise, so it is stored turned by a quarter the other way.
  await sharp(upright).rotate(-90).withMetadata({ orientation: 6 }).toFile(turned);
  const { width, height, orientation } = await sharp(turned).metadata();
  t.deepEqual([width, height, orientation], [200, 300, 6]);
  const [a, b] = await all([upright, turned], { scoreThreshold: 0.2 });
  t.deepEqual([b!.width, b!.height], [300, 200]);
  t.deepEqual(b!.labels, a!.labels);
  // Resizing rounds by rows and columns of the stored pixels: a value may differ by one.
  t.true(b!.boxes.every((edge, i) => Math.abs(edge - a!.boxes[i]!) < 0.1));
  t.true(b!.scores.every((score, i) => Math.abs(score - a!.scores[i]!) < 1e-3));
  t.true(iou(best(b!, 1), [30, 20, 130, 120]) > 0.4);
});

test('classes and a limit choose among all that was found', async (t) => {
  const everything = await all(files.slice(0, 2));
  for (const [label, name] of [
    [0, 'blue'],
    [1, 'red'],
  ] as const) {
    for (const [i, one] of (await all(files.slice(0, 2), { classes: [name], maxDetections: 2 })).entries()) {
      const { scores, labels } = everything[i]!;
      const wanted = Array.from(scores).filter((_, row) => labels[row] === label);
      t.deepEqual(Array.from(one.scores), wanted.slice(0, 2));
      t.true(one.labels.every((found) => found === label));
    }
  }
  t.throws(() => detectFiles(net, files, { classes: ['rde'] }), {
    instanceOf: RetinanetOpsError,
    message: /one of 'blue', 'red' for classes, received 'rde' \(did you mean 'red'\?\)/,
  });
});

test('what is damaged is told, and the others go on; without a listener it ends the iteration', async (t) => {
  const broken = join(folder, 'broken.jpg');
  await writeFile(broken, (await pictureOf(300, 200).jpeg().toBuffer()).subarray(0, 500));
  const mixed = [files[0]!, broken, files[1]!, join(folder, 'lost.png'), files[2]!];
  const failed: string[] = [];
  for (const batchSize of [1, 2, 8]) {
    failed.length = 0;
    const found = await all(mixed, { batchSize, onError: (file, { message }) => failed.push(`${file}: ${message}`) });
    t.deepEqual(found, await all(files.slice(0, 3)));
    t.is(failed.length, 2);
    t.regex(failed[0]!, /broken\.jpg: .*cut off or damaged/);
    t.regex(failed[1]!, /lost\.png: .*no such file/);
  }
  await t.throwsAsync(all(mixed), { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message: /broken\.jpg/ });
  t.deepEqual(await all([]), []);
  t.deepEqual(await all([broken], { onError: () => undefined }), []);
});

test('a signal ends the iteration with its reason, before as well as within', async (t) => {
  const reason = new Error('enough');
  await t.throwsAsync(all(files, { signal: AbortSignal.abort(reason) }), { is: reason });
  const stop = new AbortController();
  const found: string[] = [];
  const some = async () => {
    for await (const { file } of detectFiles(net, files, { batchSize: 2, signal: stop.signal })) {
      found.push(file);
      if (found.length === 2) stop.abort(reason);
    }
  };
  await t.throwsAsync(some(), { is: reason });
  t.deepEqual(found, files.slice(0, 2));
});

test('memory does not grow with the number of pictures', async (t) => {
  const model = join(folder, 'model');
  await saveRetinaNet(net, model);
  const large = join(folder, 'large.jpg');
  await pictureOf(1600, 1200, ['red', [200, 200, 700, 700]]).toFile(large);
  t.true((await readFile(large)).length > 1000);
  const { stdout, stderr, status } = runScript('detect-many.js', [model, large, '300']);
  t.is(status, 0, stderr);
  const { early, late } = JSON.parse(stdout) as { early: number; late: number };
  // A decoded picture has 5.8 MB: keeping a tenth of those between would show.
  t.true(late - early < 100 * 2 ** 20, `${early} bytes after 60 pictures, ${late} after 300`);
});
