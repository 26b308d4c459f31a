// `retinanet-ops evaluate`
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { Command } from 'commander';
import { evaluateCoco, evaluateVoc } from 'retinanet-ops/retinanet';
import { randomSet } from './sets.js';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 1));
  return path;
}

function run(...args: string[]) {
  return spawnSync(process.execPath, ['dist/cli/main.js', 'evaluate', ...args], { encoding: 'utf8' });
}

const { truth, results } = randomSet(17);
const truthFile = file('instances.json', truth);
const resultsFile = file('results.json', `\uFEFF${JSON.stringify(results)}\r\n`);
const files = ['--truth', truthFile, '--detections', resultsFile];

test('--json prints what the functions find', (t) => {
  const { stdout, stderr, status } = run(...files, '--json', '--voc');
  t.deepEqual([status, stderr], [0, '']);
  const { voc, ...coco } = JSON.parse(stdout) as Record<string, unknown>;
  const expected = evaluateCoco(results, truth);
  const classes = expected.classes.map(({ precision: _, ...numbers }) => numbers);
  t.deepEqual(coco, { ...expected, classes } as unknown as typeof coco);
  t.deepEqual(voc, evaluateVoc(results, truth));
  t.false('voc' in (JSON.parse(run(...files, '--json').stdout) as object));
});

test('without it a table is printed, with - where there is nothing to measure', (t) => {
  const { stdout, status } = run(...files, '--voc');
  const { AP, classes } = evaluateCoco(results, truth);
  t.is(status, 0);
  t.regex(
    stdout,
    new RegExp(`\n  AP {7}${AP.toFixed(3)}  average precision, IoU \\.50 to \\.95\n(.*\n){13}\n  class +AP +AP50 `),
  );
  t.is(stdout.trimEnd().split('\n').length, 17 + classes.length);
  const none = classes.find(({ numGroundTruth }) => numGroundTruth === 0)!;
  t.regex(stdout, new RegExp(`^  ${none.name} +- +- +- +- +- +0 +${String(none.numDetections)}$`, 'm'));
});

test('what it cannot do gives one sentence and the exit code 1', (t) => {
  const { stdout, stderr, status } = run('--truth', truthFile, '--detections', join(folder, 'none.json'));
  t.deepEqual([status, stdout], [1, '']);
  t.regex(stderr, /^retinanet-ops: .*the detections, received .*none\.json, which does not exist\n$/);
});

test('files that are none of these are refused with where and why', async (t) => {
  // In this process: starting one for each takes long.
  const { evaluateCommand } = (await import(pathToFileURL('dist/cli/evaluate.js').href)) as {
    evaluateCommand: () => Command;
  };
  const refuses = async (args: string[], wanted: RegExp): Promise<void> => {
    const error = await t.throwsAsync(evaluateCommand().parseAsync(args, { from: 'user' }), { message: wanted });
    t.notRegex(error?.message ?? '', /\n/);
  };
  const asTruth = async (name: string, content: unknown, wanted: RegExp): Promise<void> =>
    refuses(['--truth', file(name, content), '--detections', resultsFile], wanted);
  const asResults = async (name: string, content: unknown, wanted: RegExp): Promise<void> =>
    refuses(['--truth', truthFile, '--detections', file(name, content)], wanted);
  await refuses(
    ['--truth', join(folder, 'none.json'), '--detections', resultsFile],
    /the truth, received .*none\.json, which does not/,
  );
  await refuses(['--truth', folder, '--detections', resultsFile], /which cannot be read/);
  await refuses(
    [...files, '--detections-out', 'found.json'],
    /for --truth and --detections, received --detections-out$/,
  );
  await asTruth('empty.json', ' \n', /empty\.json, which is empty/);
  await asTruth('page.json', '<!doctype html>\n<html>', /page\.json, which is none at line 1 \(/);
  await asTruth('comma.json', '{\n"images": [\n{ "id": 1 },\n],\n"categories": [],\n"annotations": []\n}', /line 4 \(/);
  await asTruth('name.json', '{\n"images": [],\n\n"categories": nothing,\n"annotations": []\n}\n', /line 4 \(/);
  await asTruth('text.json', '{\n"images": [],\n"categories": ["a\n"]}', /line 3 \(/);
  await asTruth('half.json', JSON.stringify(truth, undefined, 1).slice(0, 100), /line \d+ \(/);
  await asTruth('keys.json', { images: [], annotations: [] }, /truth\.categories, received undefined/);
  await asTruth('list.json', results, /an object for truth, received an Array/);
  await asResults(
    'nan.json',
    '[\n{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": NaN}\n]',
    /the detections, .* line 2/,
  );
  await asResults('object.json', truth, /an Array of objects for detections, received an object/);
  await asResults(
    'box.json',
    [results[0], { ...results[0], bbox: [1, 2] }],
    /detections\[\]\.bbox, received \[1,2\] at row 1/,
  );
  await asResults('image.json', [{ ...results[0], image_id: 999 }], /detections\[\]\.image_id, received 999 at row 0/);
});

test('--help shows an example', (t) => {
  t.regex(run('--help').stdout, /\$ retinanet-ops evaluate --truth \S+ --detections \S+/);
});
