import { Command, InvalidArgumentError, Option } from 'commander';
import { LOSS_NAMES, type LossName } from 'retinanet-ops/retinanet';

export interface DemoOptions {
  /** A Pascal VOC folder; digits are drawn where it is left out. */
  data?: string;
  steps?: number;
  batch: number;
  seed: number;
  size?: { width: number; height: number };
  loss: LossName;
  threads?: number;
  out: string;
}

function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`Expected an integer from ${String(low)} to ${String(high)}.`);
    }
    return value;
  };
}

function size(text: string): { width: number; height: number } {
  const match = /^(\d+)x(\d+)$/i.exec(text);
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || ![width, height].every((side) => side >= 64 && side <= 2048)) {
    throw new InvalidArgumentError('Expected WIDTHxHEIGHT in pixels, each 64 to 2048, for example 256x192.');
  }
  return { width, height };
}

/** Reads the command line; shows help or what is wrong with it, and exits, by itself. */
export function parseOptions(argv: readonly string[]): DemoOptions {
  return new Command('npm run demo --')
    .description(
      'Trains a RetinaNet through the native focal loss and anchor assignment of this package, tests it on images it ' +
        'has never seen, and writes pictures, loss curves and the model. Without options: scenes of handwritten digits.',
    )
    .option('--data <folder>', 'photographs in a Pascal VOC folder: train + val to learn from, test to be tested on')
    .option('--steps <n>', 'training steps (default: 350 on photographs, 600 on digits)', integer(1, 1e6))
    .option('--batch <n>', 'images a step', integer(1, 256), 8)
    .option('--size <WxH>', 'size of the images in training (default: 256x192, digits 96x96)', size)
    .option('--seed <n>', 'of scenes, initial weights and the order of images', integer(0, 2 ** 31 - 1), 1)
    .addOption(new Option('--loss <name>', 'classification loss').choices(LOSS_NAMES).default('focal'))
    .option('--threads <n>', 'worker threads (default: the cores there are)', integer(1, 256))
    .option('--out <folder>', 'where the results go', 'demo-output')
    .addHelpText(
      'after',
      '\nCtrl-C finishes the current step, tests what has been learned so far and writes everything;\n' +
        'a second one quits at once.\n' +
        '\nExit status: 0 done, or stopped after at least one step; 1 something is wrong; 130 quit.\n' +
        '\nExamples:\n  npm run demo\n  npm run demo -- --data ../shared/data/bccd\n  npm run demo -- --loss cross-entropy --out demo-output/ce',
    )
    .helpOption('-h, --help', 'show this')
    .showHelpAfterError('(--help lists the options)')
    .allowExcessArguments(false)
    .parse([...argv])
    .opts<DemoOptions>();
}
