// `retinanet-ops detect`, and `retinanet-ops evaluate` of a detector.
// Longer than 250 lines: every case runs the two commands on the same pictures and the same net.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import {
  type CocoResult,
  type CocoTruth,
  detectFiles,
  evaluateCoco,
  evaluateDataset,
  type FileDetections,
  readDataset,
  type RetinaNet,
  saveRetinaNet,
} from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { type Box, CLASSES, pictureOf, temporaryFolder, trainedNet } from './squares.js';

const { folder, remove } = temporaryFolder();
test.after.always(remove);
const at = (...names: string[]) => join(folder, ...names);
const [model, photos] = [at('model'), at('photos')];
const RED: Box = [40, 60, 160, 170];
const BLUE: Box = [210, 230, 300, 330];
const NAMES = ['a, "b".jpg', 'day [1]/same.png', 'day 2/same.png', 'ünï.tif'];
let net: RetinaNet;

test.before(async () => {
  net = await trainedNet();
  await saveRetinaNet(net, model);
  for (const name of ['day [1]', 'day 2', 'other']) mkdirSync(join(photos, name), { recursive: true });
  for (const name of NAMES) await pictureOf(340, 360, ['red', RED], ['blue', BLUE]).toFile(join(photos, name));
});

const command = ['dist/cli/main.js', 'detect', model];
function run(...args: string[]) {
  return spawnSync(process.execPath, [...command, ...args], { encoding: 'utf8' });
}

/** In this process: starting one for each takes long. */
async function refuses(t: ExecutionContext, args: string[], message: RegExp): Promise<void> {
  const { detectCommand } = (await import(pathToFileURL('dist/cli/detect.js').href)) as {
    detectCommand: () => Command;
  };
  const error = await t.throwsAsync(detectCommand().parseAsync([model, ...args], { from: 'user' }), { message });
  t.notRegex(error?.message ?? '', /\n/);
}

async function expected(scoreThreshold = 0.5): Promise<FileDetections[]> {
  const found: FileDetections[] = [];
  const files = NAMES.map((name) => join(photos, name)).sort();
  for await (const one of detectFiles(net, files, { scoreThreshold })) found.push(one);
  return found;
}

const rounded = (boxes: ArrayLike<number>) => Array.from(boxes, (edge) => Number(edge.toFixed(3)));

test('--json tells of every picture what detectFiles finds', async (t) => {
  const { stdout, stderr, status } = run(photos, '--json', '--score', '0.3', '--batch-size', '3', '--threads', '1');
  t.is(status, 0, stderr);
  t.regex(stderr, /^(pictures \d\/4 .*\n)+$/);
  const wanted = (await expected(0.3)).map(({ file, width, height, boxes, scores, labels }) => ({
    ...{ file, width, height },
    detections: Array.from(scores, (score, row) => ({
      class: CLASSES[labels[row]!],
      score: Number(score.toFixed(6)),
      box: rounded(boxes.subarray(4 * row, 4 * row + 4)),
    })),
  }));
  t.true(wanted.every(({ detections }) => detections.length >= 2));
  t.deepEqual(JSON.parse(stdout), { images: wanted, failed: [] });
});

test('csv: a file of its own, whatever names hold', async (t) => {
  const out = at('csv');
  const { stdout, status } = run(
    photos,
    '--out',
    out,
    '--no-draw',
    '--format',
    'csv',
    '--classes',
    'red',
    '--max',
    '1',
  );
  t.is(status, 0);
  t.regex(stdout, /red +4 +4\n/);
  t.deepEqual(readdirSync(out), ['detections.csv']);
  const rows: Record<string, string>[] = parse(readFileSync(join(out, 'detections.csv')), { columns: true });
  t.deepEqual(
    rows.map(({ file, class: name }) => [file, name]),
    NAMES.map((name) => [join(photos, name), 'red']).sort(),
  );
  t.deepEqual(Object.keys(rows[0]!), ['file', 'class', 'score', 'x1', 'y1', 'x2', 'y2']);
  t.true(rows.every((row) => Number(row['x2']) > Number(row['x1']) && Number(row['score']) > 0.5));
});

test('pictures are drawn below the folder as they lie, and the COCO file has ids of a truth by file names', async (t) => {
  const truth: CocoTruth = {
    images: [...NAMES].reverse().map((name, i) => ({ id: 100 + i, file_name: `photos/${name}` })),
    categories: [
      { id: 7, name: 'red' },
      { id: 9, name: 'blue' },
    ],
    annotations: [],
  };
  for (const { id } of truth.images) {
    truth.annotations.push({ image_id: id, category_id: 7, bbox: [40, 60, 120, 110] });
    truth.annotations.push({ image_id: id, category_id: 9, bbox: [210, 230, 90, 100] });
  }
  const [out, truthFile] = [at('drawn'), at('truth.json')];
  writeFileSync(truthFile, JSON.stringify(truth));
  const { stderr, status } = run(photos, '--out', out, '--truth', truthFile, '--score', '0.1');
  t.is(status, 0, stderr);
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).sort();
  t.deepEqual(files, ['day 2', 'day [1]', 'detections.json', 'ünï.tif.png', ...NAMES.slice(0, 3)].sort());
  for (const name of ['day [1]/same.png', 'ünï.tif.png', 'a, "b".jpg']) {
    const { format, width, height } = await sharp(join(out, name)).metadata();
    t.deepEqual([format, width, height], [name.endsWith('jpg') ? 'jpeg' : 'png', 340, 360]);
  }
  const results = JSON.parse(readFileSync(join(out, 'detections.json'), 'utf8')) as (CocoResult & {
    file_name: string;
    category_name: string;
  })[];
  for (const { image_id: image, file_name: file, category_id: category, category_name: name } of results) {
    t.is(truth.images.find(({ id }) => id === image)!.file_name, `photos/${file}`);
    t.is(category, name === 'red' ? 7 : 9);
  }
  t.true(evaluateCoco(results, truth).AP50 > 0.2);
  const other = run(photos, '--truth', truthFile.replace('truth', 'lost'));
  t.deepEqual([other.status, other.stdout], [1, '']);
});

test("two pictures of one name do not meet, and what a run left is none of the next one's", (t) => {
  const [first, second] = [join(photos, 'day [1]/same.png'), join(photos, 'day 2/same.png')];
  const out = at('same');
  t.is(run(first, second, '--out', out).status, 0);
  t.deepEqual(readdirSync(out).sort(), ['day 2', 'day [1]', 'detections.json']);
  // What an earlier run left below the pictures is none of them.
  const below = join(photos, 'other', 'found');
  t.is(run(photos, '--out', below).status, 0);
  const again = run(photos, '--out', below, '--json');
  t.is((JSON.parse(again.stdout) as { images: unknown[] }).images.length, NAMES.length);
  rmSync(below, { recursive: true });
});

test('a damaged picture is told, the others are there, and the exit code is 1', (t) => {
  const [broken, good] = [at('broken.jpg'), join(photos, NAMES[0]!)];
  writeFileSync(broken, 'no picture');
  const { status, stdout, stderr } = run(broken, good, '--json');
  t.is(status, 1);
  const { images, failed } = JSON.parse(stdout) as { images: { file: string }[]; failed: { file: string }[] };
  t.deepEqual([images.map(({ file }) => file), failed.map(({ file }) => file)], [[good], [broken]]);
  t.regex(stderr, /retinanet-ops: .*broken\.jpg, received a file that is no picture/);
  t.regex(stderr, /\nretinanet-ops: 1 of 2 pictures could not be read or drawn\n$/);
});

test('a drawing that cannot be written is told with its file, the others go on, and the exit code is 1', (t) => {
  const out = at('blocked');
  const [name, other] = ['a, "b".jpg', 'ünï.tif'] as const;
  mkdirSync(join(out, name), { recursive: true }); // a folder where the drawing should go
  const { status, stderr } = run(join(photos, name), join(photos, other), '--out', out);
  t.is(status, 1);
  t.regex(stderr, /retinanet-ops: .*a file that can be written for .*b"\.jpg, received /);
  t.regex(stderr, /\nretinanet-ops: 1 of 2 pictures could not be read or drawn\n$/);
  t.deepEqual(readdirSync(out).sort(), [name, 'detections.json', `${other}.png`]);
});

test('a picture whose name is no text is told, and the others are there', (t) => {
  if (process.platform !== 'linux') return void t.pass();
  const [odd, long] = [at('odd names'), `${'長'.repeat(83)}.jpg`];
  mkdirSync(odd);
  const bytes = readFileSync(join(photos, NAMES[0]!));
  writeFileSync(join(odd, 'good.jpg'), bytes);
  writeFileSync(join(odd, long), bytes); // as long as names can be
  writeFileSync(Buffer.concat([Buffer.from(`${odd}/`), Buffer.of(0xff), Buffer.from('.jpg')]), bytes);
  const { status, stderr } = run(odd, '--out', at('odd found'));
  t.is(status, 1);
  t.regex(stderr, /\nretinanet-ops: 1 of 3 pictures could not be read or drawn\n$/);
  t.deepEqual(readdirSync(at('odd found')).sort(), ['detections.json', 'good.jpg', long]);
});

test('people read what is in each picture; bad calls are one sentence', async (t) => {
  const { stdout, stderr } = run(join(photos, 'ünï.tif'));
  t.is(stderr, '');
  t.regex(stdout, /ünï\.tif: \S+ \d+% \[\d+, \d+, \d+, \d+\]/);
  const nameless = at('nameless.json');
  writeFileSync(nameless, JSON.stringify({ images: [{ id: 1, file_name: null }], categories: [], annotations: [] }));
  const lost = run('lost.jpg');
  t.deepEqual([lost.status, lost.stdout], [1, '']);
  t.regex(lost.stderr, /^retinanet-ops: .* for 'lost\.jpg', received a path where nothing is\n$/);
  for (const [args, message] of [
    [[photos, '--classes', 'rde'], /one of 'blue', 'red' for classes, received 'rde'/],
    [[photos, '--draw'], /--out for --draw/],
    [[photos, '--out', join(photos, NAMES[0]!, 'found')], /can be written for .*detections\.json, received /],
    [[photos, '--truth', nameless], /a truth that names .*, received one without it/],
    [[photos, '--score', '2'], /scoreThreshold, received 2/],
    [[join(photos, 'day 2'), '--out', join(photos, 'day 2')], /another folder than that of the results/],
    [[`${photos}/day 2/*.png`, '--out', join(photos, 'day 2')], /that only those in the folder of the results do/],
    [[join(photos, 'day 2/same.png'), '--out', join(photos, 'day 2')], /drawings replace no picture for --out/],
  ] as const) {
    await refuses(t, [...args], message);
  }
});

test('interrupted, it leaves what is done, nothing half-written, and exits with 130', async (t) => {
  const list = at('many.txt');
  const names = Array.from({ length: 400 }, (_, i) => at('many', `${i}.jpg`));
  mkdirSync(at('many'));
  const bytes = await pictureOf(900, 800, ['red', RED]).jpeg().toBuffer();
  for (const name of names) writeFileSync(name, bytes);
  writeFileSync(list, names.join('\n'));
  const out = at('interrupted');
  const args = [...command, list, '--out', out, '--format', 'json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += String(data);
    if (child.killed || !/pictures \d+\/400/.test(stderr)) return;
    child.kill('SIGINT');
    // A launcher's copy of it; a process that has said its last word and is ending has no handler any more.
    const copy = () => stderr.includes('interrupted after') || child.kill('SIGINT');
    setTimeout(() => setImmediate(copy), 20);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  t.is(status, 130, stderr);
  const [, done, file] =
    /\nretinanet-ops: interrupted after (\d+) of 400 pictures; (\S+) has what is in them\n$/.exec(stderr) ?? [];
  t.is(file, join(out, 'detections.json'), stderr);
  const { images } = JSON.parse(readFileSync(file!, 'utf8')) as { images: unknown[] };
  t.is(images.length, Number(done));
  const drawn = readdirSync(out).filter((name) => name !== 'detections.json');
  t.true(drawn.length > 0 && drawn.length < 400);
  for (const name of drawn) {
    t.regex(name, /^\d+\.jpg$/);
    t.is((await sharp(join(out, name)).stats()).channels.length, 3);
  }
});

test('what a killed run left half-written goes with the next one, and nothing else', (t) => {
  const out = at('leftovers');
  const id = '0b1f5f9e-3c42-4d7f-9a57-1d7f0e3c8a11';
  const names = [`same.png.${id}.tmp`, `detections.json.${id}.tmp`, `notes.txt.${id}.tmp`, 'same.png.tmp'];
  const young = 'same.png.0b1f5f9e-3c42-4d7f-9a57-1d7f0e3c8a12.tmp'; // another process may be writing it
  mkdirSync(out);
  for (const name of [...names, young]) writeFileSync(join(out, name), '');
  for (const name of names) utimesSync(join(out, name), 1e9, 1e9);
  const { status, stderr } = run(join(photos, 'day 2/same.png'), '--out', out);
  t.is(status, 0, stderr);
  t.deepEqual(readdirSync(out).sort(), ['detections.json', 'same.png', young, ...names.slice(2)].sort());
});

test('evaluate MODEL DATA: the numbers of evaluateDataset, and its detections in a file', async (t) => {
  const data = at('data');
  mkdirSync(data);
  const rows: string[] = [];
  for (let i = 0; i < 5; i++) {
    await pictureOf(340, 360, ['red', RED], ['blue', BLUE]).toFile(join(data, `${i}.png`));
    rows.push(`${i}.png,${RED.join()},red`, `${i}.png,${BLUE.join()},blue`);
  }
  writeFileSync(join(data, 'annotations.csv'), `${rows.join('\n')}\n`);
  const dataset = await readDataset(data);
  const { coco, detections } = await evaluateDataset(net, dataset, 'val');
  const evaluate = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli/main.js', 'evaluate', model, data, ...args], { encoding: 'utf8' });
  const file = at('found', 'results.json');
  const { stdout, stderr, status } = evaluate('--json', '--voc', '--detections-out', file);
  t.is(status, 0, stderr);
  const { AP, AP50, voc } = JSON.parse(stdout) as { AP: number; AP50: number; voc: { AP: number } };
  t.deepEqual([AP, AP50], [coco.AP, coco.AP50]);
  t.true(AP50 > 0.2 && voc.AP > 0);
  const written = JSON.parse(readFileSync(file, 'utf8')) as (CocoResult & { file_name?: string })[];
  t.deepEqual(
    written.map(({ file_name: name, ...one }) => (t.regex(name ?? '', /^\d\.png$/), one)),
    detections,
  );
  const people = evaluate('--split', 'train', '--score', '0.3');
  t.regex(people.stdout, /\n {2}AP50 +\d\.\d{3} {2}IoU \.50\n/);
  for (const [args, wanted] of [
    [['--split', 'test'], /test/],
    [['--truth', 'a.json'], /expected a detector and a data set, or --truth and --detections/],
  ] as const) {
    const refused = evaluate(...args);
    t.deepEqual([refused.status, refused.stdout], [1, '']);
    t.regex(refused.stderr, wanted);
  }
});
