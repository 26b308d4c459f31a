// The anchors' fit, the contact sheet, and the command line over both.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { AnchorGrid, assignAnchors, boxIou } from 'retinanet-ops';
import { contactSheet, inspectDataset, type AnchorConfig, type AnchorShapes } from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { random } from '../support/random.js';
import { DOG, folder, xml } from './folders.js';

/** The grid of a configuration, as training has it. */
function gridOf(config: AnchorConfig, shapes: AnchorShapes): AnchorGrid {
  const [first, last] = config.pyramidLevels as [number, number];
  const strides = Array.from({ length: last - first + 1 }, (_, i) => 2 ** (first + i));
  return new AnchorGrid({
    imageHeight: config.imageHeight,
    imageWidth: config.imageWidth,
    strides,
    baseSizes: strides.map((stride) => stride * shapes.anchorSizeInStrides),
    scales: shapes.anchorScales,
    aspectRatios: shapes.aspectRatios,
  });
}

test('reach, positives by box and by level are those of every anchor compared with every box', async (t) => {
  const next = random(5);
  const files: Record<string, string> = {};
  for (let i = 0; i < 15; i++) {
    const objects = Array.from({ length: 5 }, (): [string, number[]] => {
      const [w, h] = [4 + 40 * next() ** 2, 4 + 40 * next() ** 2];
      const [x, y] = [(64 - w) * next(), (48 - h) * next()];
      return ['dog', [x, y, x + w, y + h]];
    });
    files[`${i}.xml`] = xml(`${i}.png`, objects);
  }
  const root = await folder(
    t,
    files,
    Object.keys(files).map((file) => file.replace('xml', 'png')),
  );
  const config = { imageWidth: 128, imageHeight: 96, anchorScales: [1, 1.3], pyramidLevels: [3, 4] };
  const { anchors, reached, dataset } = await inspectDataset(root, { val: 0, config });
  const compare = (grid: AnchorGrid) => {
    const found = { unreached: 0, positives: 0, onLevel: grid.levels.map(() => 0), reached: [] as boolean[][] };
    for (const { boxes } of dataset.splits.train.images) {
      const rows = Float32Array.from(boxes.flatMap(({ box }) => box.map((value) => 2 * value)));
      const iou = boxIou(rows, grid.boxes());
      const is = boxes.map((_, row) => Math.max(...iou.subarray(row * grid.count, (row + 1) * grid.count)) >= 0.5);
      found.reached.push(is);
      found.unreached += is.filter((one) => !one).length;
      const { positives } = assignAnchors(grid, rows, new Int32Array(boxes.length));
      found.positives += positives.length;
      for (const anchor of positives) found.onLevel[anchor < (grid.levels[1]?.offset ?? Infinity) ? 0 : 1]!++;
    }
    return found;
  };
  const given = compare(gridOf(anchors.config, anchors.config));
  t.true(given.unreached > 3 && given.unreached < 70, String(given.unreached));
  t.deepEqual(
    reached.map((fit) => fit.reached),
    given.reached,
  );
  t.is(anchors.unreached, given.unreached);
  t.is(anchors.boxes, 75);
  t.deepEqual(
    anchors.levels.map(({ positives }) => positives),
    given.onLevel,
  );
  t.true(Math.abs(anchors.positivesPerBox.mean - given.positives / 75) < 1e-9);
  t.is(anchors.suggested.unreached, compare(gridOf(anchors.config, anchors.suggested)).unreached);
  t.true(anchors.suggested.unreached <= anchors.unreached);
});

test('a search finds anchors for boxes that the given ones miss', async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 8 }, (_, i) => [
      `${i}.xml`,
      xml(`${i}.png`, [['dog', [1 + 8 * (i % 5), 2, 7 + 8 * (i % 5), 38]]]),
    ]),
  );
  const root = await folder(
    t,
    files,
    Object.keys(files).map((file) => file.replace('xml', 'png')),
  );
  const { anchors } = await inspectDataset(root, { val: 0 });
  t.is(anchors.unreached, 8, 'six times as high as wide');
  t.is(anchors.suggested.unreached, 0);
  t.deepEqual(anchors.suggested.aspectRatios, [6]);
});

test('a longer side gives a frame that the network takes', async (t) => {
  const root = await folder(t, { 'a.xml': xml('a.png', [['dog', DOG]]) }, ['a.png']);
  for (const [preset, unit] of [
    ['compact', 16],
    ['torchvision-retinanet', 32],
  ] as const) {
    const { anchors } = await inspectDataset(root, { val: 0, longestSide: 500, config: { preset } });
    const { imageWidth, imageHeight } = anchors.config;
    t.is(Math.max(imageWidth, imageHeight), unit * Math.round(500 / unit), preset);
    t.deepEqual([imageWidth % unit, imageHeight % unit], [0, 0], preset);
  }
});

test('the contact sheet shows which boxes an anchor reaches, by their colours', async (t) => {
  const files = {
    'a.xml': xml('a.png', [
      ['dog', DOG],
      ['cat', [50, 2, 54, 46]],
    ]),
    'b.xml': xml('b.png', [['dog', DOG]]),
  };
  const root = await folder(t, files, ['a.png', 'b.png']);
  const { reached } = await inspectDataset(root, { val: 0 });
  t.deepEqual(
    reached.map((fit) => fit.reached),
    [[true, false], [true]],
  );
  const { data, info } = await sharp(await contactSheet(reached, { root }))
    .raw()
    .toBuffer({ resolveWithObject: true });
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
  const longer = main('inspect', root, '--val', '0', '--json', '--image-size', '128');
  const { config } = (JSON.parse(longer.stdout) as { anchors: { config: object } }).anchors;
  t.like(config, { imageWidth: 128, imageHeight: 96 }, 'as train takes it: the longer side');
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
