// The anchors' fit, the contact sheet, and the command line over both.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AnchorGrid, assignAnchors, boxIou } from 'retinanet-ops';
import { contactSheet, inspectDataset, type AnnotatedImage } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { fitAnchors } from '../../../dist/retinanet/data/anchor-fit.js';
import { bestIou } from '../../../dist/retinanet/data/anchor-search.js';
import { seededRandom } from '../../../dist/retinanet/data/random.js';
import { DOG, folder, picture, xml } from './folders.js';

const random = seededRandom(5);
const shapes = { anchorSizeInStrides: 2, anchorScales: [1, 1.3], aspectRatios: [0.5, 1, 2] };
const strides = [8, 16];
const grid = new AnchorGrid({
  imageHeight: 96,
  imageWidth: 128,
  strides,
  baseSizes: strides.map((stride) => 2 * stride),
  scales: shapes.anchorScales,
  aspectRatios: shapes.aspectRatios,
});

function randomImages(count: number): AnnotatedImage[] {
  return Array.from({ length: count }, (_, i) => ({
    file: `${i}.png`,
    width: 128,
    height: 96,
    ignore: [],
    boxes: Array.from({ length: 6 }, () => {
      const [w, h] = [4 + 80 * random() ** 2, 4 + 60 * random() ** 2];
      const [x, y] = [(128 - w) * random(), (96 - h) * random()];
      return { class: 'dog', box: [x, y, x + w, y + h] as [number, number, number, number] };
    }),
  }));
}

test('reach, positives by box and by level are those of every anchor compared with every box', (t) => {
  const images = randomImages(20);
  const { fit, perImage } = fitAnchors(grid, images);
  const anchors = grid.boxes();
  let unreached = 0;
  let positives = 0;
  const onLevel = grid.levels.map(() => 0);
  for (const [i, image] of images.entries()) {
    const boxes = Float32Array.from(image.boxes.flatMap(({ box }) => box));
    const iou = boxIou(boxes, anchors);
    const reached = image.boxes.map((_, row) => Math.max(...iou.subarray(row * grid.count, (row + 1) * grid.count)) >= 0.5);
    t.deepEqual(perImage[i]!.reached, reached);
    unreached += reached.filter((is) => !is).length;
    const assigned = assignAnchors(grid, boxes, new Int32Array(boxes.length / 4)).positives;
    positives += assigned.length;
    for (const anchor of assigned) onLevel[anchor < grid.levels[1]!.offset ? 0 : 1]!++;
    for (const [row, { box }] of image.boxes.entries()) {
      const best = Math.max(...iou.subarray(row * grid.count, (row + 1) * grid.count));
      t.true(Math.abs(bestIou(box, shapes, strides) - best) < 1e-5, `${box.join()} ${best}`);
    }
  }
  t.true(unreached > 5 && unreached < 100);
  t.is(fit.unreached, unreached);
  t.is(fit.boxes, 120);
  t.deepEqual(fit.levels.map((level) => level.positives), onLevel);
  t.true(Math.abs(fit.positivesPerBox.mean - positives / 120) < 1e-9);
});

test('a search finds anchors for boxes that the given ones miss', async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [`${i}.xml`, xml(`${i}.png`, [['dog', [4 + i, 4, 10 + i, 40]]])]),
  );
  const root = await folder(t, files, Object.keys(files).map((file) => file.replace('xml', 'png')));
  const { anchors } = await inspectDataset(root, { val: 0 });
  t.is(anchors.unreached, 8, 'six times as high as wide');
  t.is(anchors.suggested.unreached, 0);
  t.deepEqual(anchors.suggested.aspectRatios, [6]);
});

test('the contact sheet shows which boxes an anchor reaches, by their colours', async (t) => {
  const files = { 'a.xml': xml('a.png', [['dog', DOG], ['cat', [50, 2, 54, 46]]]), 'b.xml': xml('b.png', [['dog', DOG]]) };
  const root = await folder(t, files, ['a.png', 'b.png']);
  const { reached } = await inspectDataset(root, { val: 0 });
  t.deepEqual(reached.map((fit) => fit.reached), [[true, false], [true]]);
  const { data, info } = await sharp(await contactSheet(reached, { root })).raw().toBuffer({ resolveWithObject: true });
  t.is(info.channels, 3);
  const scale = 240 / 64;
  const at = (x: number, y: number) => {
    const pixel = (Math.round(30 + y * scale) * info.width + Math.round(8 + x * scale)) * 3;
    return [...data.subarray(pixel, pixel + 3)];
  };
  const [red, green] = [at(50, 20), at(8, 20)];
  t.true(red[0]! > 200 && red[1]! < 120, red.join());
  t.true(green[1]! > 150 && green[0]! < 120, green.join());
});

const main = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('the command line: people, machines, a sheet, refusals', async (t) => {
  const files = { 'train/a.xml': xml('a.png', [['dog', DOG]], '<difficult>1</difficult>'), 'train/broken.xml': '' };
  const root = await folder(t, files, ['train/a.png']);
  const sheet = join(root, 'sheet.png');
  const people = main('inspect', root, '--val', '0', '--sheet', sheet);
  t.is(people.status, 0, people.stderr);
  t.regex(people.stdout, /voc, 1 class, 1 image, 1 box\n/);
  t.regex(people.stdout, /annotation-damaged \(1\): .*\n {4}train\/broken\.xml:1: an empty file\n/);
  t.regex(people.stdout, /Anchors on 64x64|Anchors on 64x32/);
  t.true(existsSync(sheet));
  const machines = main('inspect', root, '--val', '0', '--json', '--image-size', '128x96', '--aspect-ratios', '1,2');
  t.is(machines.stderr, '');
  const report = JSON.parse(machines.stdout) as Record<string, unknown> & { anchors: { config: object } };
  t.deepEqual(Object.keys(report), ['format', 'classes', 'splits', 'warnings', 'anchors']);
  const box = { class: 'dog', box: DOG, difficult: true };
  t.deepEqual(report['splits'], {
    train: { images: [{ file: 'train/a.png', width: 64, height: 48, boxes: [box], ignore: [] }] },
    val: { images: [] },
    test: { images: [] },
  });
  t.like(report.anchors.config, { imageWidth: 128, imageHeight: 96, aspectRatios: [1, 2] });
  const refusal = main('inspect', join(root, 'nothing'), '--json');
  t.is(refusal.status, 1);
  const { error } = JSON.parse(refusal.stdout) as { error: { code: string; message: string } };
  t.is(error.code, 'ERR_DATA');
  t.is(refusal.stderr, `retinanet-ops: ${error.message}\n`);
  const usage = main('inspect', root, '--formatt', 'voc');
  t.is(usage.status, 1);
  t.regex(usage.stderr, /^retinanet-ops: unknown option '--formatt' \(did you mean '--format'\?\).*\n$/);
  t.is(main('info', '--help').status, 0);
});

test('every kind of warning is in the table of the guide', async (t) => {
  const { WARNING_KINDS } = await import('../../../dist/retinanet/data/warnings.js');
  const used = new Set<string>();
  for (const file of ['boxes', 'checks', 'headers', 'read-dataset', 'formats/coco', 'formats/csv', 'formats/csv-classes']) {
    const text = readFileSync(`lib/retinanet/data/${file}.ts`, 'utf8');
    for (const kind of Object.keys(WARNING_KINDS)) if (text.includes(`'${kind}'`)) used.add(kind);
  }
  t.true(used.size > 15);
  t.truthy(await picture());
});
