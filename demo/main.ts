// `npm run demo`: draws a data set of handwritten digits, or takes the folder that is named, and runs the commands that train a
// detector on it and show what it finds, as anybody would type them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { Progress } from '#lib/cli/progress.js';
import { writeDigits } from './digits.js';

const TRAIN_SCENES = 3000;
const VALIDATION_SCENES = 100;
const TEST_SCENES = 200;
/** Pixels of a side. */
const SCENE = 96;
/** Under a minute on two cores. */
const STEPS = 1200;

interface Options {
  data?: string;
  seed: number;
  out: string;
}

const program = new Command('npm run demo --')
  .description(
    'Trains a detector on scenes of handwritten digits, or on your own pictures, and shows what it finds. Every command that it runs is ' +
      'printed; what it does not know itself goes to `retinanet-ops train`.',
  )
  .option('--data <folder>', 'your own pictures and boxes: Pascal VOC, COCO, YOLO, CSV, labelme or CVAT')
  .option('--seed <n>', 'of scenes and training', toSeed, 1)
  .option('--out <folder>', 'where data and runs go', 'demo-output')
  .allowUnknownOption()
  .allowExcessArguments()
  .addHelpText(
    'after',
    '\nExamples:\n  npm run demo\n  npm run demo -- --loss cross-entropy\n  npm run demo -- --data ../cells --time 5m',
  )
  .parse();
const { data, seed, out } = program.opts<Options>();

// Ctrl-C is for the command that runs, which saves what there is and says how to go on.
if (data !== undefined) process.on('SIGINT', () => undefined);
const run = freeFolder(join(out, 'run'));
if (data === undefined) {
  const digits = await drawDigits(join(out, `digits-${seed}`));
  process.on('SIGINT', () => undefined);
  const isLimited = program.args.some((arg) => /^--(steps|epochs|time|config)(=|$)/.test(arg));
  const length = isLimited ? [] : ['--steps', `${STEPS}`];
  await retinanetOps('train', digits, '--out', run, ...length, '--seed', `${seed}`, ...program.args);
  const found = join(run, 'found');
  await retinanetOps('detect', join(run, 'best'), join(digits, 'test'), '--out', found, '--score', '0.5');
} else {
  await retinanetOps('train', data, '--out', run, '--seed', `${seed}`, ...program.args);
}
console.log(`\nNow look at ${relative('', join(run, 'report.html'))}, in a browser.`);

/** Draws the scenes, unless they are there. */
async function drawDigits(folder: string): Promise<string> {
  // Written last.
  if (existsSync(join(folder, 'test', '_annotations.csv'))) return folder;
  const progress = new Progress('scenes', TRAIN_SCENES + VALIDATION_SCENES + TEST_SCENES);
  await writeDigits(folder, {
    ...{
      seed,
      width: SCENE,
      height: SCENE,
      scenes: { train: TRAIN_SCENES, valid: VALIDATION_SCENES, test: TEST_SCENES },
    },
    onScene: (done) => {
      progress.update(done, 'of handwritten digits');
    },
  });
  progress.stop();
  return folder;
}

/** Runs a command of the package; where that fails or is interrupted, so does this. */
async function retinanetOps(...args: string[]): Promise<void> {
  console.log(`\n$ npx retinanet-ops ${args.join(' ')}`);
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { stdio: 'inherit' });
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code ?? 130);
    });
  });
  if (status !== 0) process.exit(status);
}

/** `folder`, or the first of folder-2, folder-3, ... that is not there. */
function freeFolder(folder: string): string {
  let free = folder;
  for (let n = 2; existsSync(free); n++) free = `${folder}-${n}`;
  return free;
}

function toSeed(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected an integer from 0 to 999999999.');
}
