// The folder of a run: one process at a time, and whole whenever a process ended.
import { spawnSync } from 'node:child_process';
import fs, { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readDataset, readTrainConfig, resumeDetector } from 'retinanet-ops/retinanet';
import { contents, temporary, train, writeSquares } from './squares.js';

/** The number of a process that is over. */
function pastPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

/** What interrupts a run after a step. */
function interruptAfter(last: number) {
  const controller = new AbortController();
  const onStep = ({ step }: { step: number }) => {
    if (step === last) controller.abort();
  };
  return { onStep, signal: controller.signal };
}

const lockOf = (pid: number, host = hostname(), started = '') => JSON.stringify({ pid, host, started, id: 'x' });

test.serial('a run that a process works on is refused, one whose process is gone is not', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  const refused: Promise<unknown>[] = [];
  await train(data, run, {
    steps: 1,
    onStep: async () => {
      const process_ = new RegExp(`no other process works on .*, on which process ${String(process.pid)} does$`);
      refused.push(t.throwsAsync(resumeDetector(run), { code: 'ERR_DATA', message: process_ }));
      await Promise.all(refused);
    },
  });
  t.is(refused.length, 1);
  for (const [lock, holds] of [
    [lockOf(pastPid()), false],
    [lockOf(process.pid, hostname(), 'another boot'), process.platform !== 'linux'],
    ['{"pid":', false],
    [lockOf(pastPid(), 'elsewhere'), true],
  ] as const) {
    await writeFile(join(run, 'lock'), lock);
    if (holds) {
      await t.throwsAsync(resumeDetector(run), { code: 'ERR_DATA', message: /on which process \d+ on elsewhere does/ });
      t.is(await readFile(join(run, 'lock'), 'utf8'), lock);
      continue;
    }
    (await resumeDetector(run)).net?.dispose();
    t.deepEqual(
      (await readdir(run)).filter((name) => name.startsWith('lock')),
      [],
      lock,
    );
  }
});

test.serial('a file system without hard links has a lock as well', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  const { linkSync } = fs;
  t.teardown(() => {
    fs.linkSync = linkSync;
    syncBuiltinESMExports();
  });
  fs.linkSync = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
  };
  syncBuiltinESMExports();
  const onStep = () => t.throwsAsync(resumeDetector(run), { code: 'ERR_DATA', message: /no other process works on/ });
  await train(data, run, { steps: 1, onStep });
  t.false(existsSync(join(run, 'lock')));
});

test.serial('whatever a process left of a checkpoint, the run goes on from a whole one', async (t) => {
  const folder = await temporary(t);
  const [data, done] = [await writeSquares(folder), join(folder, 'done')];
  await train(data, done);
  const whole = await contents(done);
  const last = (run: string, end = '') => join(run, `last${end}`);
  const states: Record<string, (run: string) => Promise<unknown>> = {
    'half of a new one': async (run) => {
      await mkdir(last(run, '.writing'));
      await writeFile(join(last(run, '.writing'), 'weights.bin'), 'half');
    },
    'a new one that is complete, the former in its place': (run) =>
      cp(last(run), last(run, '.next'), { recursive: true }),
    'a new one that is complete, the former out of the way': async (run) => {
      await cp(last(run), last(run, '.next'), { recursive: true });
      await rename(last(run), last(run, '.former'));
    },
    'a former one that was not removed': (run) => cp(last(run), last(run, '.former'), { recursive: true }),
    'half a line of metrics': (run) => writeFile(join(run, 'metrics.jsonl'), '{"kind":"step","st', { flag: 'a' }),
    'steps after the checkpoint': (run) =>
      writeFile(join(run, 'metrics.jsonl'), '{"kind":"step","step":9}\n', { flag: 'a' }),
  };
  for (const [what, make] of Object.entries(states)) {
    const run = join(folder, 'run');
    await rm(run, { recursive: true, force: true });
    await cp(done, run, { recursive: true });
    // Not over: so that metrics are gone on with.
    const file = join(last(run), 'state.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as { end?: string };
    await writeFile(file, JSON.stringify({ ...state, end: undefined }));
    await make(run);
    (await resumeDetector(run)).net?.dispose();
    t.deepEqual(await contents(run), whole, what);
    const others = async (folder: string) => (await readdir(folder)).filter((name) => !name.includes('tfevents'));
    t.deepEqual(await others(run), await others(done), what);
  }
});

test.serial('a folder that was left while it was set up can be begun with again, another is refused', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  await mkdir(join(run, 'last.writing'), { recursive: true });
  await writeFile(join(run, 'lock'), lockOf(pastPid()));
  await writeFile(join(run, 'config.json'), '{}');
  await writeFile(join(run, 'events.out.tfevents.1700000000.000'), '');
  t.is((await train(data, run, { steps: 1 })).steps, 1);
  const other = join(folder, 'other');
  await mkdir(other);
  await writeFile(join(other, 'thesis.tex'), '');
  await t.throwsAsync(train(data, other), { code: 'ERR_DATA', message: /which holds thesis\.tex$/ });
  const notes = join(await temporary(t), 'notes');
  await mkdir(notes);
  await writeFile(join(notes, 'thesis.tmp'), 'mine');
  await t.throwsAsync(train(data, notes), { code: 'ERR_DATA', message: /which holds thesis\.tmp$/ });
  t.deepEqual(await readdir(other), ['thesis.tex']);
  await t.throwsAsync(train(data, join(folder, 'never'), { steps: 0 }), { code: 'ERR_RANGE' });
  t.false(existsSync(join(folder, 'never')));
});

test.serial('a run and its data can be moved together, and say nothing of what is above them', async (t) => {
  const folder = await temporary(t);
  const [here, there] = [join(folder, 'anna', 'work'), join(folder, 'bert')];
  const data = await writeSquares(here);
  await train(data, join(here, 'runs', 'first'), { steps: 1 });
  const weights = join(here, 'runs', 'first', 'best');
  const { onStep: interrupt, signal } = interruptAfter(1);
  await train(data, join(here, 'runs', 'second'), { weights, steps: 2, onStep: interrupt, signal });
  await rename(here, there);
  const run = join(there, 'runs', 'second');
  for (const name of ['config.json', 'metrics.jsonl', 'last/model.json', 'last/state.json']) {
    t.notRegex(await readFile(join(run, name), 'utf8'), /anna|work/, name);
  }
  const { data: named, weights: from } = await readTrainConfig(join(run, 'config.json'));
  t.deepEqual([named, from], [join(there, 'squares'), join(there, 'runs', 'first', 'best')]);
  const second = await resumeDetector(run);
  second.net?.dispose();
  t.is(second.steps, 2);
  const page = await readFile(join(run, 'report.html'), 'utf8');
  t.notRegex(page, new RegExp(`anna|bert|${folder}`));

  // By another name of its folder, as well.
  await symlink(run, join(folder, 'link'));
  (await resumeDetector(join(folder, 'link'))).net?.dispose();
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as object;
  t.is((config as { data: string }).data, '../../squares');
  await writeFile(join(run, 'config.json'), JSON.stringify({ ...config, data: join(there, 'squares') }));
  (await resumeDetector(run)).net?.dispose();
  t.notRegex(await readFile(join(run, 'report.html'), 'utf8'), /bert/, 'a path in full is its last part');
});

test.serial('the same annotations in another form are no other data', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  const { onStep, signal } = interruptAfter(1);
  await train(data, run, { steps: 2, onStep, signal });
  const dataset = await readDataset(data, { seed: 3, checkImages: false });
  const { train: images } = dataset.splits;
  images.images = images.images.map(({ boxes, ignore, ...image }) => {
    return { ignore, boxes: boxes.map(({ box, ...one }) => ({ box, difficult: false, ...one })), ...image, id: 7 };
  });
  dataset.splits.test.images = images.images.slice(0, 1);
  const other = structuredClone(dataset);
  other.splits.train.images[0]!.boxes[0]!.box[2] -= 1;
  await t.throwsAsync(resumeDetector(run, { data: other }), { code: 'ERR_DATA', message: /has changed$/ });
  const result = await resumeDetector(run, { data: dataset });
  result.net?.dispose();
  t.deepEqual([result.steps, result.evaluation?.split], [2, 'test']);
});

test.serial('a run whose files are damaged, or whose data have changed, is refused', async (t) => {
  const folder = await temporary(t);
  const [data, run] = [await writeSquares(folder), join(folder, 'run')];
  await train(data, run, { steps: 2 });
  const csv = await readFile(join(data, 'annotations.csv'), 'utf8');
  await writeFile(join(data, 'annotations.csv'), csv.replace('red', 'green'));
  await t.throwsAsync(resumeDetector(run), { code: 'ERR_DATA', message: /the data set has changed$/ });
  await writeFile(join(data, 'annotations.csv'), csv);
  await rename(data, join(folder, 'moved'));
  await t.throwsAsync(resumeDetector(run), {
    code: 'ERR_DATA',
    message: /or its folder given for data, received nothing at /,
  });
  (await resumeDetector(run, { data: join(folder, 'moved') })).net?.dispose();
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as { data: string };
  t.is(config.data, '../moved', 'the run knows where its data are now');
  (await resumeDetector(run)).net?.dispose();
  const edited = JSON.stringify({ ...config, imageWidth: 640 });
  await writeFile(join(run, 'config.json'), edited);
  await t.throwsAsync(resumeDetector(run, { data: join(folder, 'moved') }), {
    code: 'ERR_DATA',
    message: /expected \d+, with which the run began, for imageWidth of config\.json, received 640$/,
  });
  t.is(await readFile(join(run, 'config.json'), 'utf8'), edited, 'what is refused changes nothing');
  await writeFile(join(run, 'config.json'), JSON.stringify(config));
  const arrays = join(run, 'last', 'state.bin');
  const bytes = await readFile(arrays);
  bytes[1000]! ^= 1;
  await writeFile(arrays, bytes);
  const moved = { data: join(folder, 'moved') };
  await t.throwsAsync(resumeDetector(run, moved), { code: 'ERR_DATA', message: /state\.bin, received others$/ });
  await rm(join(run, 'last', 'state.json'));
  await t.throwsAsync(resumeDetector(run, moved), { code: 'ERR_DATA', message: /state\.json, received none/ });
});
