// `retinanet-ops train`, as a process that is interrupted and killed.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { runScript } from '../support/child.js';
import { contents, temporary, tiny, train, writeSquares } from './squares.js';

const MAIN = ['dist/cli/main.js', 'train'];

/** The command, to its end. */
function run(...args: string[]) {
  return spawnSync(process.execPath, [...MAIN, ...args], { encoding: 'utf8' });
}

/** The command, sent a signal each time that standard error says what it waits for, and `after` milliseconds more. */
async function signalled(args: string[], signal: NodeJS.Signals, waits: readonly RegExp[], after = 0) {
  const child = spawn(process.execPath, [...MAIN, ...args]);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let [stderr, sent] = ['', 0];
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
    if (sent >= waits.length || !waits[sent]!.test(stderr)) return;
    sent++;
    void sleep(after).then(() => child.kill(signal));
  });
  const [code] = await ended;
  return { code, stderr, sent };
}

/** The tiny settings as a file. */
async function configIn(folder: string, more: object = {}): Promise<string> {
  const file = join(folder, 'settings.json');
  await writeFile(file, JSON.stringify({ ...tiny, ...more }));
  return file;
}

test.serial(
  'settings of a file and flags, the plan and progress on standard error, JSON on standard output',
  async (t) => {
    const folder = await temporary(t);
    const data = await writeSquares(folder);
    const out = join(folder, 'run');
    const flags = ['--config', await configIn(folder), '--learning-rate', '1e-3', '--no-flip', '--time', '0.01s'];
    const { status, stdout, stderr } = run(data, '--out', out, ...flags, '--steps', '5', '--json');
    t.is(status, 1, 'two limits');
    t.regex(stderr, /^retinanet-ops: trainDetector: expected only one of steps, epochs and seconds .*\n$/);
    t.is((JSON.parse(stdout) as { error: { code: string } }).error.code, 'ERR_OPTION');
    t.false(existsSync(out));

    const done = run(data, '--out', out, ...flags.slice(0, -2), '--epochs', '1', '--json');
    t.is(done.status, 0, done.stderr);
    const result = JSON.parse(done.stdout) as { folder: string; steps: number; end: string; evaluation: object };
    t.like(result, { folder: out, steps: 4, end: 'done' });
    t.deepEqual(Object.keys(result.evaluation).slice(0, 3), ['split', 'AP', 'AP50']);
    t.regex(done.stderr, / learningRate +0\.001 +given\n/);
    t.regex(done.stderr, / imageWidth +\d+ +data\n/);
    t.regex(done.stderr, / augment\.horizontalFlip +no +given\n/);
    t.regex(done.stderr, / augment\.zoom +1\.2 +given\n/);
    t.regex(done.stderr, /training 4\/4 {2}loss \d.*class .*box .*rate .*images\/s.*0:00 left/);
    t.regex(done.stderr, /step 4: validation AP /);
    const again = run(data, '--out', out, '--steps', '5');
    t.is(again.status, 1);
    t.regex(again.stderr, /new or empty for out, received .*run, which holds a run: resume it/);
  },
);

test.serial('Ctrl-C finishes the step and says how to go on, which gives the run in one piece', async (t) => {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  await train(data, join(folder, 'straight'), { steps: 30, validateEvery: 15 });
  const out = join(folder, 'run');
  const args = [data, '--out', out, '--config', await configIn(folder), '--steps', '30', '--validate-every', '15'];
  const { code, stderr } = await signalled(args, 'SIGINT', [/training 4\/30/]);
  t.is(code, 130);
  t.regex(stderr, /\ninterrupted after step \d+; to go on: npx retinanet-ops train --resume \S+\n$/);
  t.false(existsSync(join(out, 'lock')));
  const rest = run('--resume', out);
  t.is(rest.status, 0, rest.stderr);
  t.regex(rest.stderr, /resuming after step \d+/);
  t.regex(rest.stdout, /On the val split:\n +class +AP +AP50 +AP75\n/);
  t.deepEqual(await contents(out), await contents(join(folder, 'straight')));
});

test.serial('a second Ctrl-C ends at once, a copy of the first does not', async (t) => {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  const config = await configIn(folder, { steps: 40 });
  const child = spawn(process.execPath, [
    ...[...MAIN, data, '--out', join(folder, 'run'), '--config', config],
    ...['--batch-size', '256'], // in the middle of a step, which takes half a second or more
  ]);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let stderr = '';
  const says = async (what: RegExp) => {
    while (!what.test(stderr) && child.exitCode === null) await sleep(5);
  };
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  await says(/training 2\/40/);
  child.kill('SIGINT');
  await says(/Ctrl-C again/);
  child.kill('SIGINT'); // a launcher's copy
  await sleep(50);
  t.is(child.exitCode, null);
  // The process sleeps while the second passes within which a signal is a copy, so that its step goes on after it.
  child.kill('SIGSTOP');
  await sleep(1100);
  child.kill('SIGINT');
  child.kill('SIGCONT');
  const [code] = await ended;
  t.is(code, 130);
  t.notRegex(stderr, /interrupted after/);
});

test.serial('killed at any moment, also while it begins, and gone on with: the run in one piece', async (t) => {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  const settings = { steps: 40, validateEvery: 20, checkpointEvery: 2 };
  await train(data, join(folder, 'straight'), settings);
  const out = join(folder, 'run');
  const fresh = [data, '--out', out, '--config', await configIn(folder, settings)];
  const args = () => (existsSync(join(out, 'last')) ? ['--resume', out] : fresh);
  let [kills, steps] = [0, 0];
  for (const [wait, after] of [
    [/run: /, 10], // while it is set up
    [/run: |resuming/, 600], // while its threads start, or a little later
    [/training \d+\/40/, 30],
    [/step \d+: validation/, 0], // while a checkpoint is written
  ] as const) {
    const before = steps;
    const { code } = await signalled(args(), 'SIGKILL', [wait], after);
    if (code === null) kills++;
    if (!existsSync(join(out, 'last', 'state.json'))) continue;
    const state = JSON.parse(await readFile(join(out, 'last', 'state.json'), 'utf8')) as { step: number };
    steps = state.step;
    t.true(steps >= before && steps % 2 === 0, 'no checkpoint is lost');
    const lines = (await readFile(join(out, 'metrics.jsonl'), 'utf8'))
      .split('\n')
      .filter((line) => /"step"/.test(line));
    t.true(lines.length - steps <= 2 + 3, 'no more than the steps since it are lost');
  }
  t.true(kills >= 3);
  const { status, stderr } = run(...args());
  t.is(status, 0, stderr);
  t.deepEqual(await contents(out), await contents(join(folder, 'straight')));
  const names = (await readdir(out)).map((name) => name.replace(/tfevents\..*/, 'tfevents'));
  t.deepEqual([...new Set(names)].sort(), [
    'best',
    'config.json',
    'evaluation.json',
    'events.out.tfevents',
    'last',
    'metrics.jsonl',
    'report.html',
  ]);
});

for (const [what, args, wanted] of [
  ['no data', [], /expected a folder of data, or --resume RUN, received neither/],
  ['a folder that is not there', ['nowhere'], /a folder for .*nowhere, received nothing there/],
  ['a duration that is none', ['data', '--time', '10 moons'], /--time .*Expected a duration/],
  ['bytes that are none', ['data', '--cache', 'much'], /--cache .*Expected bytes/],
  ['an unknown flag', ['data', '--learningrate', '1'], /unknown option .*did you mean '--learning-rate'/],
  ['settings for a run that has them', ['--resume', 'run', '--steps', '9'], /received --steps as well/],
  ['a run without threads', ['--resume', 'run', '--threads', '0'], /threads, received 0/],
  ['a file of settings that is not there', ['data', '--config', 'no.yaml'], /settings for no\.yaml, received none/],
] as const) {
  test(`${what} is refused`, (t) => {
    const { status, stdout, stderr } = run(...args);
    t.deepEqual([status, stdout], [1, '']);
    t.regex(stderr, wanted);
    t.regex(stderr, /^retinanet-ops: [^\n]*\n$/);
  });
}

test.serial('a run goes on when nobody reads its progress any more', async (t) => {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  const out = join(folder, 'run');
  const child = spawn(process.execPath, [...MAIN, data, '--out', out, '--config', await configIn(folder)]);
  child.stderr.once('data', () => child.stderr.destroy());
  const [code] = (await once(child, 'exit')) as [number | null];
  t.is(code, 0);
  t.true(existsSync(join(out, 'report.html')));
});

const full = existsSync('/dev/full') ? test : test.skip;
full('standard output that takes nothing gives one sentence', (t) => {
  const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" ${MAIN[0]!} info > /dev/full`], {
    encoding: 'utf8',
  });
  t.is(status, 1);
  t.regex(stderr, /^retinanet-ops: expected standard output that can be written to, received ENOSPC.*\n$/);
});

test('a process that ends at once leaves its terminal with a cursor and lines that wrap', (t) => {
  const { status, stderr } = runScript('progress-exit.js', []);
  t.is(status, 130, stderr);
  for (const mode of ['?25', '?7']) {
    const [hidden, shown] = ['l', 'h'].map((end) => stderr.lastIndexOf(`\u001b[${mode}${end}`));
    t.true(hidden! >= 0 && shown! > hidden!, mode);
  }
});
