// What the report makes of the files of a run, and of what is not there.
// Longer than 250 lines: every case reads the same written report.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { RetinanetOpsError } from 'retinanet-ops';
import {
  cocoTruth,
  createRetinaNet,
  evaluateCoco,
  useNativeBackend,
  writeReport,
  type AnnotatedDataset,
  type CocoResult,
  type ReportOptions,
  type RetinaNet,
} from 'retinanet-ops/retinanet';
import { bodyOf, drawDataset } from './demo.js';

const root = await mkdtemp(join(tmpdir(), 'retinanet-ops-'));
const classes = ['circle', 'square'];
let net: RetinaNet;
let dataset: AnnotatedDataset;

test.before(async () => {
  await useNativeBackend();
  dataset = await drawDataset(join(root, 'data'), { classes, pictures: [1, 4], steps: 0, validateEvery: 1 });
  net = createRetinaNet({
    imageHeight: 48,
    imageWidth: 64,
    numClasses: 2,
    classNames: classes,
    pyramidChannels: 4,
    subnetDepth: 0,
  });
});
test.after.always(() => rm(root, { recursive: true, force: true }));

/** The page of a run with these files, without scripts and styles. */
async function report(
  t: ExecutionContext,
  files: Record<string, string>,
  options: Partial<ReportOptions> = {},
): Promise<string> {
  const folder = await mkdtemp(join(root, 'run-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const text = await readFile(await writeReport(folder, { net, dataset, split: 'test', ...options }), 'utf8');
  t.deepEqual((await readdir(folder)).sort(), [...Object.keys(files), 'report.html'].sort());
  return bodyOf(text);
}

const step = (number: number, loss: number | null) =>
  JSON.stringify({ kind: 'step', step: number, loss, classLoss: loss, boxLoss: 0, learningRate: 0.1, seconds: number });
const validation = (number: number, AP: number) =>
  JSON.stringify({ kind: 'validation', step: number, AP, AP50: AP, AP75: -1 });
interface Chart {
  id: string;
  x: number[];
  series: { label: string; values: (number | null)[]; isHidden?: boolean }[];
}
const charts = (body: string) => JSON.parse(/id="report-data">(.*)<\/script>/.exec(body)![1]!) as Chart[];

test('a last line that was cut off is passed over, as is another kind', async (t) => {
  const lines = [step(1, 4), '{"kind":"start","at":7}', step(2, 2), step(3, 1).slice(0, 30)];
  const body = await report(t, { 'metrics.jsonl': lines.join('\n') });
  const loss = charts(body).find(({ id }) => id === 'chart-loss')!;
  t.deepEqual(loss.x, [1, 2]);
  t.deepEqual(loss.series[0]!.values, [4, 2]);
  t.regex(body, /no validations/);
});

test('steps that were done again after a resume replace those before', async (t) => {
  const lines = [
    step(1, 4),
    step(2, 3),
    validation(2, 0.1),
    step(3, 9),
    step(2, 5),
    validation(2, 0.2),
    step(3, 6),
    '',
  ];
  const [ap, loss] = charts(await report(t, { 'metrics.jsonl': lines.join('\n') }));
  t.deepEqual(loss!.x, [1, 2, 3]);
  t.deepEqual(loss!.series[0]!.values, [4, 5, 6]);
  t.deepEqual(ap!.series.map(({ values }) => values), [[0.2], [0.2], [null]]); // prettier-ignore
});

test('each class has a curve over the validations, with a gap where it has no objects', async (t) => {
  const line = (number: number, ...APs: [name: string, AP: number | null][]) =>
    JSON.stringify({ ...JSON.parse(validation(number, 0.5)), classes: APs.map(([name, AP]) => ({ name, AP })) });
  const chartOf = async (...lines: string[]) => {
    const body = await report(t, { 'metrics.jsonl': `${lines.join('\n')}\n` });
    return charts(body).find(({ id }) => id === 'chart-class-ap');
  };
  const chart = await chartOf(line(5, ['cat', 0.25], ['dog', -1]), line(10, ['cat', null], ['dog', 0.75]));
  t.deepEqual(chart!.x, [5, 10]);
  t.deepEqual(
    chart!.series.map(({ label, values }) => [label, values]),
    [
      ['cat', [0.25, null]],
      ['dog', [null, 0.75]],
    ],
  );
  t.is(await chartOf(line(5, ['cat', 0.25]), line(10, ['cat', 0.5])), undefined, 'the curve of all');
  t.is(await chartOf(validation(5, 0.5)), undefined);
  const many = Array.from({ length: 90 }, (_, k) => [`class ${String(k)}`, 0.5] as [string, number]);
  const { series } = (await chartOf(line(5, ...many)))!;
  t.is(series.length, 80);
  t.is(series.filter(({ isHidden }) => isHidden === false).length, 8);
});

test('a loss that is none is a gap, and a long run becomes few points', async (t) => {
  const lines = Array.from({ length: 2001 }, (_, i) => step(i + 1, i === 0 ? null : 3));
  const [loss] = charts(await report(t, { 'metrics.jsonl': `${lines.join('\n')}\n` }));
  t.true(loss!.x.length <= 500 && loss!.x.at(-1) === 2001);
  t.true(loss!.series[1]!.values.every((value) => value === 3));
  t.deepEqual(charts(await report(t, { 'metrics.jsonl': `${step(1, null)}\n` }))[0]!.series[0]!.values, [null]);
});

for (const [what, files, message] of [
  [
    'a broken line',
    { 'metrics.jsonl': `${step(1, 1)}\n{"kind":\n${step(2, 1)}\n` },
    /metrics\.jsonl:2, received one that is none/,
  ],
  ['a broken last line that is whole', { 'metrics.jsonl': `${step(1, 1)}\n{"kind":\n` }, /metrics\.jsonl:2, received/],
  [
    'a line without a kind',
    { 'metrics.jsonl': '[]\n' },
    /an object with a 'kind' for .*metrics\.jsonl:1, received an Array/,
  ],
  [
    'a step that is none',
    { 'metrics.jsonl': '{"kind":"step","step":-1}\n' },
    /for 'step' for .*metrics\.jsonl:1, received -1/,
  ],
  [
    'a loss that is text',
    { 'metrics.jsonl': '{"kind":"step","step":1,"loss":"3"}\n' },
    /a number for 'loss' for .*:1, received '3'/,
  ],
  [
    'classes that are none',
    { 'metrics.jsonl': '{"kind":"validation","step":1,"classes":{}}\n' },
    /an Array for 'classes' for .*:1, received/,
  ],
  [
    'a class without a name',
    { 'metrics.jsonl': '{"kind":"validation","step":1,"classes":[null]}\n' },
    /a 'name' of each class for .*:1, received/,
  ],
  [
    'a configuration that is none',
    { 'config.json': '{' },
    /a file of JSON for .*config\.json, received one that is none/,
  ],
] as const) {
  test(`refused: ${what}`, async (t) => {
    const expectation = { instanceOf: RetinanetOpsError, code: 'ERR_DATA', message };
    await t.throwsAsync(report(t, files as Record<string, string>), expectation);
  });
}

test('a folder with nothing in it gives a page that says so', async (t) => {
  const body = await report(t, {}, { title: 'an <empty> run' });
  t.regex(body, /<h1>an &lt;empty&gt; run<\/h1>/);
  for (const sentence of [/no steps/, /no validations/, /no config\.json/, /no pictures/]) t.regex(body, sentence);
});

test('an evaluation that is given is shown, without objects or detections as well', async (t) => {
  const { images } = dataset.splits.val;
  const truth = cocoTruth(classes, images);
  const perfect: CocoResult[] = truth.annotations
    .filter(({ iscrowd }) => iscrowd === 0)
    .map(({ image_id, category_id, bbox }) => ({ image_id, category_id, bbox, score: 0.77 }));
  const given = (detections: CocoResult[], of = truth) => ({
    coco: evaluateCoco(detections, of),
    truth: of,
    detections,
  });
  const all = await report(t, {}, { split: 'val', evaluation: given(perfect) });
  t.regex(all, /best F1, score 0\.77<\/dt>\s*<dd>1\.000/);
  t.regex(all, /There is no mistake/);
  t.notRegex(all, /<h3>Worst/);
  const none = await report(t, {}, { split: 'val', evaluation: given([]) });
  t.regex(none, />F1, score 0\.50<\/dt>\s*<dd>0\.000/);
  t.notRegex(none, /<h3>Best/);
  t.regex(none, /<h3>Worst/);

  const bare = images.map((image) => ({ ...image, boxes: [], ignore: [] }));
  const emptied = { ...dataset, splits: { ...dataset.splits, val: { images: bare } } };
  const nothing = await report(
    t,
    {},
    { dataset: emptied, split: 'val', evaluation: given([], cocoTruth(classes, bare)) },
  );
  t.regex(nothing, /No class has an object that counts/);
  t.regex(nothing, /neither an object nor a detection/);

  const other = { ...dataset, splits: { ...dataset.splits, val: { images: images.slice(1) } } };
  await t.throwsAsync(writeReport(root, { net, dataset: other, evaluation: given([]) }), {
    code: 'ERR_DATA',
    message: /the images of dataset\.splits\.val for evaluation\.truth\.images, received 'val & 0\.png' at row 0/,
  });
});

test('what lies in a region to ignore is neither a right detection nor a wrong one', async (t) => {
  const box = (left: number): [number, number, number, number] => [left, 10, left + 30, 40];
  const boxes = [
    { class: 'circle', box: box(10) },
    { class: 'circle', box: box(60), difficult: true },
  ];
  const images = dataset.splits.val.images.slice(0, 1).map((image) => ({ ...image, boxes, ignore: [] }));
  const truth = cocoTruth(classes, images);
  const detections = [10, 60, 110].map((left) => {
    const bbox: [number, number, number, number] = [left, 10, 30, 30];
    return { image_id: 1, category_id: 1, bbox, score: 0.9 };
  });
  const evaluation = { coco: evaluateCoco(detections, truth), truth, detections };
  const one = { ...dataset, splits: { ...dataset.splits, val: { images } } };
  const body = await report(t, {}, { dataset: one, split: 'val', evaluation });
  t.regex(body, /1 found, 0 missed, 1 wrong/);
  for (const kind of ['object, found', 'detection, right', 'detection, wrong', 'detection, in a region to ignore']) {
    t.is(body.split(`>${kind}<`).length, 2, kind);
  }
});

test('of many classes the matrix is left out and curves are chosen, mistakes are listed', async (t) => {
  const names = Array.from({ length: 120 }, (_, k) => `class ${k}`);
  const size = { imageHeight: 48, imageWidth: 64, pyramidChannels: 4, subnetDepth: 0 };
  const wide = createRetinaNet({ ...size, numClasses: names.length, classNames: names });
  const images = dataset.splits.val.images.map((image) => ({
    ...image,
    boxes: names.map((name, k) => ({ class: name, box: [k, k, k + 20, k + 20] as [number, number, number, number] })),
  }));
  const truth = cocoTruth(names, images);
  // Everything is found, and the first class taken for the second.
  const detections = truth.annotations.map(({ image_id, category_id, bbox }) => ({
    ...{ image_id, bbox, score: 0.9 },
    category_id: category_id === 1 ? 2 : category_id,
  }));
  const many = { ...dataset, classes: names, splits: { ...dataset.splits, val: { images } } };
  const evaluation = { coco: evaluateCoco(detections, truth), truth, detections };
  const body = await report(t, {}, { net: wide, dataset: many, split: 'val', evaluation, lossImages: 1 });
  wide.dispose();
  t.true(/matrix of 120 classes is too large/.test(body) && !/class="matrix/.test(body));
  t.true(/<th scope="row">class 0<\/th>\s*<td>class 1<\/td><td>4<\/td>/.test(body));
  const { series } = charts(body)[0]!;
  t.is(series.length, 80);
  t.is(series.filter(({ isHidden }) => isHidden === false).length, 8);
});

test('an aborted report leaves the older one as it was', async (t) => {
  const folder = await mkdtemp(join(root, 'run-'));
  await writeFile(join(folder, 'report.html'), 'older');
  const options = { net, dataset, signal: AbortSignal.abort(new Error('enough')) };
  await t.throwsAsync(writeReport(folder, options), { message: 'enough' });
  t.is(await readFile(join(folder, 'report.html'), 'utf8'), 'older');
  t.deepEqual(await readdir(folder), ['report.html']);
});
