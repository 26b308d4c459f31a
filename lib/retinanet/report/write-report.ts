// The report of a training: from a run's folder and its network to one page.
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';
import { callback, neededValue, number, oneOf, signal, value, type OptionsOf } from '../../arguments/options.js';
import { BACKEND_CHOICES } from '../backend.js';
import type { AnnotatedDataset, AnnotatedImage, SplitName } from '../data/annotations.js';
import { openImagesOf } from '../data/open-images.js';
import { type DatasetEvaluation, evaluateDataset } from '../evaluation/evaluate-dataset.js';
import type { Objects } from '../evaluation/objects.js';
import { writeTogether } from '../write-together.js';
import { checkNet, type RetinaNet } from '../model/net.js';
import { bestThreshold, claimObjects } from './claims.js';
import { countConfusions, readObjects } from './confusion.js';
import type { ReportData, Results } from './data.js';
import { readMetrics } from './metrics.js';
import { renderPage } from './page.js';
import { bestAndWorst, f1Of, loadPicture, type Picture, type PictureScore, scorePictures } from './pictures.js';
import { sampleLosses } from './sample-losses.js';

const IOU = 0.5;
const SPLITS = ['train', 'val', 'test'] as const;

const OPTIONS = {
  /** The trained network. */
  net: neededValue<RetinaNet>(),
  /** Its data set. */
  dataset: neededValue<AnnotatedDataset>(),
  /** The split that the network is shown on; one without images leaves a page without results. Default `val`. */
  split: oneOf<SplitName>(SPLITS, 'val'),
  /** What `evaluateDataset` has found on that split with this net; default: it is called. */
  evaluation: value<DatasetEvaluation>(),
  /** The page's heading. Default: the name of the folder. */
  title: value<string, string | undefined>((check, argument, given) => check.string(argument, given)),
  /** From this score on, in [0, 1], detections count in pictures and confusions. Default: where F1 over all pictures is highest. */
  scoreThreshold: number({ min: 0, max: 1 }),
  /** Best pictures and worst pictures, each. Default 6. */
  pictures: number({ min: 0, max: 24, integer: true, default: 6 }),
  /** Images, evenly over the split, whose losses are looked at. Default 32. */
  lossImages: number({ min: 1, max: 1000, integer: true, default: 32 }),
  /** Images that go through the network at once. Default 8. */
  batchSize: number({ min: 1, max: 4096, integer: true }),
  /** What the network runs on, as for `detect`. */
  backend: oneOf(BACKEND_CHOICES),
  /** Called with the number of images that have been evaluated, and of all. */
  onImage: callback<(done: number, total: number) => unknown>(),
  /** Ends the work, which then rejects with the signal's reason; nothing is written. */
  signal: signal(),
};

/** Options of `writeReport`. */
export interface ReportOptions extends OptionsOf<typeof OPTIONS> {}

type Given = ReturnType<typeof readOptions>;

/**
 * Writes `report.html` into the folder of a run: one page that needs nothing else, no network either. It shows the curves of
 * `metrics.jsonl`, the COCO numbers, precision over recall of each class, what is taken for what, the pictures in which the network
 * does best and worst, the configuration in `config.json`, and how much of the loss the easy samples carry ({@link cumulativeLoss}).
 * Files that the folder lacks leave their parts of the page out. The same run gives the same bytes.
 *
 * The score of a picture is its F1 at IoU .5: twice the detections that are right over objects and detections together. Pictures of
 * the same F1 are ordered by the mean score of their right detections less that of their wrong ones.
 *
 * @param folder of the run; an older report in it is replaced when the new one is complete
 * @returns the path of the page
 * @throws RetinanetOpsError `ERR_DATA` for a folder that is none or cannot be written, for a damaged `metrics.jsonl` (file and line;
 *   a last line that was cut off is passed over) or `config.json`, or for an evaluation of other images; `ERR_OPTION`,
 *   `ERR_DTYPE` or `ERR_RANGE` for a bad option; otherwise as {@link evaluateDataset}
 */
export async function writeReport(folder: string, options: ReportOptions): Promise<string> {
  const check = new Check('writeReport');
  check.string('folder', folder);
  const given = readOptions(check, options);
  const what = await stat(folder).catch(() => undefined);
  if (what?.isDirectory() !== true) {
    check.fail('ERR_DATA', folder, 'a folder of a run', what === undefined ? 'nothing there' : 'a file');
  }
  const data: ReportData = {
    title: given.title ?? basename(resolve(folder)),
    config: await readConfig(check, join(folder, 'config.json')),
    metrics: await readMetrics(check, join(folder, 'metrics.jsonl')),
    results: given.images.length === 0 ? undefined : await resultsOf(check, given),
  };
  given.signal?.throwIfAborted();
  const page = await renderPage(check, data);
  try {
    await writeTogether(folder, [['report.html', page]]);
  } catch (cause) {
    check.fail('ERR_DATA', folder, 'a folder that can be written to', (cause as Error).message, { cause });
  }
  return join(folder, 'report.html');
}

function readOptions(check: Check, options: ReportOptions) {
  const { net, dataset, ...given } = check.options('options', options, OPTIONS);
  const parts = checkNet(check, net);
  const { splits } = check.fields<AnnotatedDataset>('dataset', dataset, ['splits']);
  const images: unknown = check.fields<AnnotatedDataset['splits']>('dataset.splits', splits, SPLITS)[given.split]
    ?.images;
  if (!Array.isArray(images))
    check.fail('ERR_DTYPE', `dataset.splits.${given.split}.images`, 'an Array', describe(images));
  const checked = { net: net as RetinaNet, dataset: dataset as AnnotatedDataset, images: images as AnnotatedImage[] };
  return { ...given, ...checked, parts };
}

async function resultsOf(check: Check, given: Given): Promise<Results> {
  const { parts, dataset, split, images } = given;
  const opened = openImagesOf(check, dataset, split, parts.config, { cacheBytes: 0 });
  const { coco, detections, truth } = await evaluationOf(check, given);
  const { objects } = readObjects(check, detections, truth);
  const everything = claimObjects(objects, { iouThreshold: IOU, scoreThreshold: 0, anyClass: false });
  const best = given.scoreThreshold === undefined ? bestThreshold(objects, everything) : undefined;
  const scoreThreshold = given.scoreThreshold ?? best ?? 0.5;
  return {
    ...{ split, numImages: images.length, coco, scoreThreshold, isBest: best !== undefined },
    confusions: countConfusions(objects, IOU, scoreThreshold),
    ...(await picturesOf(given, objects, scoreThreshold)),
    lossImages: Math.min(given.lossImages, images.length),
    losses: await sampleLosses(parts, opened, { ...given, count: given.lossImages }),
  };
}

async function picturesOf(
  { dataset, images, pictures, signal: abort }: Given,
  objects: Objects,
  scoreThreshold: number,
): Promise<Pick<Results, 'f1' | 'best' | 'worst'>> {
  const claims = claimObjects(objects, { iouThreshold: IOU, scoreThreshold, anyClass: false });
  const ranked = scorePictures(objects, claims);
  const load = async (chosen: PictureScore[]) => {
    const loaded: Picture[] = [];
    for (const score of chosen) {
      abort?.throwIfAborted();
      loaded.push(await loadPicture(dataset.root, images[score.index]!, score, { objects, claims }));
    }
    return loaded;
  };
  const { best, worst } = bestAndWorst(ranked, pictures);
  return { f1: f1Of(ranked), best: await load(best), worst: await load(worst) };
}

async function evaluationOf(check: Check, given: Given): Promise<DatasetEvaluation> {
  const { net, dataset, split, images, batchSize, backend, onImage } = given;
  if (given.evaluation === undefined) {
    const abort = given.signal;
    return evaluateDataset(net, dataset, split, { batchSize, backend, onImage, signal: abort });
  }
  const names = ['coco', 'truth', 'detections'] as const;
  const evaluation = check.fields<DatasetEvaluation>('evaluation', given.evaluation, names);
  const { images: seen } = check.fields<DatasetEvaluation['truth']>('evaluation.truth', evaluation.truth, ['images']);
  const other = images.findIndex(({ file }, i) => seen?.[i]?.file_name !== file);
  if (other >= 0 || seen.length !== images.length) {
    const row = other < 0 ? images.length : other;
    const expected = `the images of dataset.splits.${split}`;
    check.fail('ERR_DATA', 'evaluation.truth.images', expected, describe(seen?.[row]?.file_name), row);
  }
  return evaluation;
}

async function readConfig(check: Check, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    check.fail('ERR_DATA', file, 'a file of JSON', `one that is none (${message})`, { cause });
  }
}
