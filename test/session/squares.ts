// A tiny data set of coloured squares, settings that train on it in moments, and what is compared of runs.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import {
  readTrainConfig,
  trainDetector,
  type TrainDetectorOptions,
  type TrainedDetector,
  type TrainingPlan,
  type TrainSettings,
} from 'retinanet-ops/retinanet';
import sharp from 'sharp';

const SIDE = 64;
const COLOURS = { red: '#d02020', blue: '#2030d0' };

/** A folder that goes with the test. */
export async function temporary(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'retinanet-ops-session-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes pictures of 64x64 with a square each and their annotations as CSV; eight to train on, two to validate. */
export async function writeSquares(folder: string, length = 10): Promise<string> {
  const data = join(folder, 'squares');
  await mkdir(data, { recursive: true });
  const rows: string[] = [];
  for (let i = 0; i < length; i++) {
    const [left, top, side] = [(i * 7) % 32, (i * 11) % 30, 20 + (i % 4) * 3];
    const [name, background] = Object.entries(COLOURS)[i % 2]!;
    const square = { create: { width: side, height: side, channels: 3, background } } as const;
    await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#808080' } })
      .composite([{ input: await sharp(square).png().toBuffer(), left, top }])
      .png()
      .toFile(join(data, `${String(i)}.png`));
    rows.push(`${String(i)}.png,${String(left)},${String(top)},${String(left + side)},${String(top + side)},${name}`);
  }
  await writeFile(join(data, 'annotations.csv'), `${rows.join('\n')}\n`);
  return data;
}

/** A network and a schedule for moments. */
export const tiny = {
  ...{ pyramidChannels: 4, subnetDepth: 0, pyramidLevels: [3, 4], steps: 8, batchSize: 2, seed: 3, threads: 1 },
  ...{ validateEvery: 4, augment: { zoom: 1.2, mosaic: 0.3 } },
} satisfies TrainSettings;

export async function train(data: string, out: string, options: Partial<TrainDetectorOptions> = {}) {
  const result = await trainDetector(data, { ...tiny, ...options, out });
  result.net?.dispose();
  return result;
}

/** What a call would do: nothing is written. */
export async function planOf(
  data: Parameters<typeof trainDetector>[0],
  options: Partial<TrainDetectorOptions> = {},
): Promise<TrainingPlan & { of: (name: string) => unknown; from: (name: string) => string | undefined }> {
  let plan: TrainingPlan | undefined;
  const enough = new Error('enough');
  const onPlan = (given: TrainingPlan) => {
    plan = given;
    throw enough;
  };
  await trainDetector(data, { out: join(tmpdir(), 'retinanet-ops-never-written'), ...options, onPlan }).catch(
    (error: unknown) => {
      if (error !== enough) throw error;
    },
  );
  const find = (name: string) => plan!.settings.find((setting) => setting.name === name);
  return { ...plan!, of: (name) => find(name)?.value, from: (name) => find(name)?.from };
}

/** Of the bytes of a file. */
export async function digest(run: string, name: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(run, name)))
    .digest('hex');
}

/** All of a run that has to be equal where nothing but the clock may differ. */
export async function contents(run: string) {
  const read = (name: string) => readFile(join(run, name));
  const lines = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
  const state = JSON.parse((await read('last/state.json')).toString()) as Record<string, unknown>;
  return {
    best: await digest(run, 'best/weights.bin'),
    last: await digest(run, 'last/weights.bin'),
    arrays: await digest(run, 'last/state.bin'),
    state: { ...state, seconds: 0 },
    metrics: lines.map((line) => ({ ...(JSON.parse(line) as object), seconds: 0, imagesPerSecond: 0 })),
    evaluation: JSON.parse((await read('evaluation.json')).toString()) as Record<string, unknown>,
    config: await readTrainConfig(join(run, 'config.json')),
  };
}

/** The interesting part of a result. */
export function summary({ steps, end }: TrainedDetector): [number, string] {
  return [steps, end];
}
