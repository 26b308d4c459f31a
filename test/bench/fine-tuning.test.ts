// The benchmark of fine-tuning at its smallest, and what of a source's pictures and masks it makes.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeDrawn } from '../../bench/fine-tuning/drawn.js';
import { fingerprint, isNearCopy } from '../../bench/fine-tuning/near-copies.js';
import { writeNuclei } from '../../bench/fine-tuning/nuclei.js';
import type { RunResult, SourceResult } from '../../bench/fine-tuning/run.js';
import { stepsTo, tablesOf } from '../../bench/fine-tuning/tables.js';

let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
});
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

type Rectangle = [left: number, top: number, width: number, height: number];

/** A grey picture with lighter rectangles, its ground in waves of `wave` pixels a radian. */
async function picture(file: string, side: number, ground: number, shapes: readonly Rectangle[], wave: number) {
  const pixels = Buffer.from(Array.from({ length: side * side }, (_, i) => ground + 20 * Math.sin((i % side) / wave)));
  for (const [left, top, width, height] of shapes)
    for (let y = top; y < top + height; y++) pixels.fill(ground + 60, y * side + left, y * side + left + width);
  await writeGrey(file, side, pixels);
}

async function mask(file: string, side: number, [left, top, width, height]: Rectangle): Promise<void> {
  const pixels = Buffer.alloc(side * side);
  for (let y = top; y < top + height; y++) pixels.fill(255, y * side + left, y * side + left + width);
  await writeGrey(file, side, pixels);
}

async function writeGrey(file: string, side: number, pixels: Buffer): Promise<void> {
  await sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .png()
    .toFile(file);
}

/** A picture and its masks as the Data Science Bowl has them. */
async function nucleiPicture(
  root: string,
  name: string,
  ground: number,
  shapes: readonly Rectangle[],
): Promise<string> {
  const [images, masks] = ['images', 'masks'].map((one) => join(root, 'stage1_train', name, one));
  for (const path of [images!, masks!]) mkdirSync(path, { recursive: true });
  await Promise.all(shapes.map((shape, i) => mask(join(masks!, `${i}.png`), 200, shape)));
  const file = join(images!, `${name}.png`);
  await picture(file, 200, ground, shapes, { a: 7, b: 11, c: 21 }[name]!);
  return file;
}

test('masks become boxes in windows, dark pictures light ones, and near copies are left out', async (t) => {
  const root = join(folder, 'masks');
  // Of twenty pixels: windows of 133x100, one on top of another, which are written as 256x192.
  await nucleiPicture(root, 'a', 30, [[10, 20, 20, 20], [60, 90, 20, 20]]); // prettier-ignore
  await nucleiPicture(root, 'b', 150, [[100, 5, 20, 20]]);
  const copied = await nucleiPicture(root, 'c', 30, [[5, 150, 20, 20], [150, 150, 20, 20]]); // prettier-ignore
  const smaller = join(folder, 'copy.jpg');
  await sharp(copied).resize(120, 100, { fit: 'fill' }).jpeg({ quality: 80 }).toFile(smaller);
  const out = join(folder, 'nuclei');
  t.is(await writeNuclei(out, root, [await fingerprint(smaller)]), 1);
  const rows = (split: string) =>
    readFileSync(join(out, split, '_annotations.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .sort();
  t.deepEqual(rows('valid'), [
    '0000-0.jpg,256,192,nucleus,115,173,154,192',
    '0000-0.jpg,256,192,nucleus,19,38,58,77',
    '0000-1.jpg,256,192,nucleus,115,0,154,19',
  ]);
  t.deepEqual(rows('train'), ['0001-0.jpg,256,192,nucleus,192,10,231,48']);
  const at = async (split: string, file: string) =>
    (
      await sharp(join(out, split, file))
        .raw()
        .toBuffer()
    )[0]!;
  t.true(Math.abs((await at('valid', '0000-0.jpg')) - 225) < 8, 'inverted');
  t.true(Math.abs((await at('train', '0001-0.jpg')) - 150) < 8, 'as it is');
  t.is(await writeNuclei(out, join(folder, 'absent'), []), 0, 'what is there stays');
  await t.throwsAsync(writeNuclei(join(folder, 'none'), folder, []), { code: 'ERR_DATA', message: /stage1_train/ });
});

test('drawn scenes are the same every time, and differ from one another', async (t) => {
  const [a, b] = [join(folder, 'drawn-a'), join(folder, 'drawn-b')];
  for (const path of [a, b]) await writeDrawn(path, 7, 3);
  const files = readdirSync(join(a, 'train'));
  t.is(files.length, 4);
  for (const file of files)
    t.deepEqual(readFileSync(join(a, 'train', file)), readFileSync(join(b, 'train', file)), file);
  const prints = await Promise.all([0, 1, 2].map((i) => fingerprint(join(a, 'train', `000${i}.png`))));
  t.false(isNearCopy(prints[0]!, prints[1]!) || isNearCopy(prints[1]!, prints[2]!));
});

test('the steps to a goal are those of the first measurement that has come to it', (t) => {
  const validations = [0.1, 0.5, 0.4, 0.6].map((AP, i) => ({ step: 25 * (i + 1), AP, AP50: AP, AP75: AP }));
  const run: RunResult = {
    start: 'nothing',
    learningRate: 1e-3,
    seed: 0,
    steps: 100,
    validations,
    seconds: 1,
    date: '',
  };
  t.is(stepsTo(run, 'AP', 0.45), 50);
  t.is(stepsTo(run, 'AP50', 0.6), 100);
  t.is(stepsTo(run, 'AP50', 0.61), undefined);
});

test('the table on record follows from the runs beside it, and the guide shows it', (t) => {
  const record = 'bench/fine-tuning/results';
  const all = <T>(name: string) =>
    readdirSync(join(record, name)).map((file) => JSON.parse(readFileSync(join(record, name, file), 'utf8')) as T);
  const runs = all<RunResult>('runs').sort((a, b) => a.seed - b.seed);
  const measured = runs.filter(({ test: tested }) => tested !== undefined);
  const sources = all<SourceResult>('sources').sort((a, b) => a.source.localeCompare(b.source));
  const table = tablesOf(measured, sources);
  t.is(readFileSync(join(record, 'table.md'), 'utf8'), table);
  const words = (text: string) => text.replaceAll(/-+/g, '-').replaceAll(/ +/g, ' ');
  const guide = words(readFileSync('docs/fine-tuning.md', 'utf8'));
  for (const row of table.split('\n').filter((line) => line.startsWith('|'))) t.true(guide.includes(words(row)), row);
  // What fine-tuning is compared with has the best rate of those that were tried.
  const tried = runs.filter(({ start, test: tested }) => start === 'nothing' && tested === undefined);
  const best = tried.reduce((a, b) => (b.validations.at(-1)!.AP > a.validations.at(-1)!.AP ? b : a));
  t.true(tried.length >= 3);
  for (const { start, learningRate } of measured) if (start === 'nothing') t.is(learningRate, best.learningRate);
});

test('runs are files, from which it goes on; table and figures follow from them', async (t) => {
  const [target, out] = [join(folder, 'target'), join(folder, 'out')];
  await writeDrawn(target, 3, 8);
  cpSync(join(target, 'valid'), join(target, 'test'), { recursive: true });
  const start = () => {
    const sizes = [
      '--seeds',
      '1',
      '--steps',
      '4',
      '--every',
      '2',
      '--rates',
      '1e-3,2e-3',
      '--scenes',
      '8',
      '--source-steps',
      '3',
    ];
    const args = ['dist-dev/bench/fine-tuning/main.js', '--bccd', target, ...sizes, '--out', out];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 300_000 });
    t.is(status, 0, stderr);
    return stdout;
  };
  const first = start();
  const runs = readdirSync(join(out, 'runs')).sort();
  t.is(runs.length, 6, runs.join(' '));
  const read = (file: string) => JSON.parse(readFileSync(join(out, 'runs', file), 'utf8')) as RunResult;
  const measured = runs.filter((file) => file.includes('every2')).map(read);
  t.deepEqual(
    measured.map(({ start: from }) => from),
    ['drawn', 'nothing'],
  );
  for (const { validations, test: tested } of measured) {
    t.deepEqual(
      validations.map(({ step }) => step),
      [2, 4],
    );
    t.true(tested !== undefined);
  }
  t.true(measured[0]!.taken!.count > 900_000);
  t.is(measured[1]!.taken, undefined);
  for (const name of ['AP.svg', 'AP.png', 'AP50.svg', 'AP50.png', 'table.md'])
    t.true(existsSync(join(out, name)), name);
  t.true(first.includes('| drawn scenes |') && first.includes('| nothing |'));

  const times = () => runs.map((file) => statSync(join(out, 'runs', file)).mtimeMs);
  const [lost, before] = [runs.findIndex((file) => file.startsWith('drawn') && file.includes('every2')), times()];
  rmSync(join(out, 'runs', runs[lost]!));
  t.is(start(), first, 'the same numbers once more');
  t.deepEqual(times().map((time, i) => time !== before[i]), runs.map((_, i) => i === lost)); // prettier-ignore
});
