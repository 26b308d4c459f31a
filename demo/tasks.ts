import { basename, resolve } from 'node:path';
import type { AugmentOptions, DetectionDataset, RetinaNetConfig } from 'retinanet-ops/retinanet';
import { loadDigits, makeDigits } from './datasets/digits.js';
import { loadVoc } from './datasets/voc.js';
import type { DrawOptions } from './drawing/detections.js';
import type { DemoOptions } from './options.js';
import { Progress } from '#lib/cli/progress.js';

/** What to learn, and how it is best learned and shown. */
export interface Task {
  /** As in "AP50 on ...". */
  name: string;
  train: DetectionDataset;
  test: DetectionDataset;
  steps: number;
  augment: AugmentOptions;
  clipNorm: number;
  /** How the network differs from its preset. */
  config: Pick<RetinaNetConfig, 'anchorSizeInStrides' | 'aspectRatios' | 'pyramidLevels'>;
  /** Weaker detections than `minScore` count for the AP, but would clutter the picture. */
  picture: Pick<DrawOptions, 'count' | 'columns' | 'zoom' | 'minScore' | 'fileOf'>;
  /** Printed once loaded: what the data are and what was left out. */
  notes: string[];
}

/** Two to three minutes of training on two cores. */
const DIGIT_STEPS = 600;
/** Five minutes on photographs of 256x192. */
const VOC_STEPS = 350;
const DIGIT_TRAIN_SCENES = 3000;
const DIGIT_TEST_SCENES = 200;

function countText(dataset: DetectionDataset, what: string): string {
  return `${String(dataset.length)} ${what} with ${String(dataset.labels.length)} objects`;
}

async function digitsTask(options: DemoOptions): Promise<Task> {
  const { width, height } = options.size ?? { width: 96, height: 96 };
  const steps = options.steps ?? DIGIT_STEPS;
  const trainScenes = Math.min(DIGIT_TRAIN_SCENES, steps * options.batch);
  const progress = new Progress('drawing', trainScenes + DIGIT_TEST_SCENES, process.stdout, 2);
  const scenes = { seed: options.seed, width, height };
  const onScene = (before: number) => (done: number) => {
    progress.update(before + done, 'scenes of handwritten digits');
  };
  const digits = loadDigits();
  const train = await makeDigits(digits.train, { ...scenes, split: 'train', scenes: trainScenes, onScene: onScene(0) });
  const test = await makeDigits(digits.test, {
    ...scenes,
    split: 'test',
    scenes: DIGIT_TEST_SCENES,
    onScene: onScene(trainScenes),
  });
  progress.stop();
  return {
    name: 'handwritten digits',
    train,
    test,
    steps,
    // A mirrored digit is another shape, or another digit.
    augment: { horizontalFlip: false },
    // Ten shapes to tell apart: the loss is steep in places, and a step over the edge costs fifty to come back from.
    clipNorm: 0.5,
    // Digits are upright and of 24 to 40 pixels.
    config: { anchorSizeInStrides: 3, aspectRatios: [1, 2], pyramidLevels: [3, 4] },
    picture: { count: 12, columns: 4, minScore: 0.5, zoom: Math.max(1, Math.round(300 / width)) },
    notes: [
      `training: ${countText(train, 'scenes')}; test: ${countText(test, 'scenes')}, written digits that training never shows`,
    ],
  };
}

async function vocTask(options: DemoOptions, folder: string): Promise<Task> {
  const { width, height } = options.size ?? { width: 256, height: 192 };
  let progress: Progress | undefined;
  const { train, test, testFiles, degenerate } = await loadVoc(folder, {
    width,
    height,
    onImage(done, total) {
      progress ??= new Progress('reading', total, process.stdout, 2);
      progress.update(done, 'photographs');
    },
  });
  progress?.stop();
  const notes = [
    `training: ${countText(train, 'images')}; test: ${countText(test, 'images')}; classes ${train.classNames.join(', ')}`,
  ];
  if (degenerate.length > 0) {
    const shown = degenerate.slice(0, 3).join(', ') + (degenerate.length > 3 ? ', ...' : '');
    notes.push(
      `left out ${String(degenerate.length)} ${degenerate.length === 1 ? 'box' : 'boxes'} without area: ${shown}`,
    );
  }
  return {
    name: basename(resolve(folder)).toUpperCase(),
    train,
    test,
    steps: options.steps ?? VOC_STEPS,
    augment: { verticalFlip: true },
    clipNorm: 5,
    config: {},
    picture: {
      count: 9,
      columns: 3,
      minScore: 0.4,
      zoom: Math.max(1, Math.round(512 / width)),
      fileOf: (index) => testFiles[index],
    },
    notes,
  };
}

/** Draws or reads the data that the options ask for. */
export function loadTask(options: DemoOptions): Promise<Task> {
  return options.data === undefined ? digitsTask(options) : vocTask(options, options.data);
}
