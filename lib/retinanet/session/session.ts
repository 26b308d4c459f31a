// A training run in its folder: measured on the way, kept at checkpoints, gone on with from the last of them.
import { join } from 'node:path';
import type { Check } from '../../arguments/check.js';
import type { AnnotatedDataset } from '../data/annotations.js';
import { evenly } from '../data/evenly.js';
import { type OpenedImages, openImagesOf } from '../data/open-images.js';
import { cocoTruth } from '../evaluation/coco-convert.js';
import type { CocoTruth } from '../evaluation/coco-format.js';
import { hasOwnFrames } from '../detection/in-pictures.js';
import { evaluateOpened } from '../evaluation/evaluate-dataset.js';
import { saveRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
import type { StepReport } from '../training/step-report.js';
import { trainRetinaNet } from '../training/train.js';
import type { TrainingRun, TrainingState } from '../training/training-state.js';
import { type Checkpoint, type Standing, writeCheckpoint } from './checkpoint.js';
import { validateEveryFor } from './defaults.js';
import { numbersOf, type SessionEvents } from './events.js';
import { Metrics } from './metrics.js';
import { rolesOf, type Settings } from './plan.js';
import { replaceFolder, RUN_FILES } from './run-folder.js';
import { RECIPE_NAMES } from './settings.js';

/** How a session ended: with all its steps, by `patience`, by `signal`, by `run.stop()`. */
export type SessionEnd = 'done' | 'patience' | 'interrupted' | 'stopped';

/** What a session works on. */
export interface SessionParts {
  check: Check;
  folder: string;
  net: RetinaNet;
  dataset: AnnotatedDataset;
  settings: Settings;
  events: SessionEvents;
}

/** Of the cache, what validation images have at most. */
const VALIDATION_SHARE = 0.25;

export class Session {
  private readonly parts: SessionParts;
  private readonly images: OpenedImages;
  private readonly validation: { images: OpenedImages; truth: CocoTruth } | undefined;
  private standing: Standing = { validatedAt: 0, withoutBetter: 0 };
  private data = '';
  private begun: TrainingState | undefined;
  private run: TrainingRun | undefined;
  private saved = { step: 0, at: performance.now() };
  private metrics: Metrics | undefined;
  private isStopped = false;

  /** @throws RetinanetOpsError for annotations that cannot be trained on, as openImages */
  constructor(parts: SessionParts) {
    this.parts = parts;
    const { check, dataset, settings, net } = parts;
    const { train, validation } = rolesOf(dataset, settings.trainOnVal);
    const cacheBytes = settings.cacheBytes ?? 0;
    const open = (split: 'train' | 'val', images: typeof train, bytes: number) => {
      const splits = { ...dataset.splits, [split]: { images } };
      return openImagesOf(check, { ...dataset, splits }, split, net.config, { cacheBytes: Math.floor(bytes) });
    };
    const most = settings.validationImages ?? validation.length;
    const measured = evenly(validation.length, most).map((i) => validation[i]!);
    const pixels = net.config.imageHeight * net.config.imageWidth * 3;
    const isKept = !hasOwnFrames(net.config);
    const bytes = isKept ? Math.min(cacheBytes * VALIDATION_SHARE, pixels * measured.length) : 0;
    this.images = open('train', train, cacheBytes - bytes);
    if (measured.length === 0) return;
    this.validation = { images: open('val', measured, bytes), truth: cocoTruth(dataset.classes, measured) };
  }

  /** Goes on from a checkpoint, which is the beginning where it has no training state. */
  async train({ standing, training, data, step }: Checkpoint): Promise<{ steps: number; end: SessionEnd }> {
    this.standing = standing;
    this.data = data;
    this.begun = training;
    this.saved = { step, at: performance.now() };
    if (standing.end) return { steps: step, end: standing.end };
    this.metrics = await Metrics.open(this.parts.folder, step);
    try {
      return await this.doSteps(step);
    } catch (error) {
      await this.keep();
      throw error;
    } finally {
      this.metrics.close();
    }
  }

  /** Writes `last` as it is between two steps. */
  async save(standing: Standing = this.standing, data: string = this.data): Promise<void> {
    const { folder, net, events } = this.parts;
    this.run?.updateModel();
    const training = this.run?.state() ?? this.begun;
    await writeCheckpoint(folder, net, { standing, training, data });
    const step = training?.step ?? 0;
    this.saved = { step, at: performance.now() };
    await events.onCheckpoint?.({ step, folder: join(folder, RUN_FILES.last) });
  }

  private async doSteps(from: number): Promise<{ steps: number; end: SessionEnd }> {
    const { net, settings, events } = this.parts;
    const { signal } = events;
    // An interrupted run may have put off the validation of its last step.
    if (from > 0 && this.isDue(from)) await this.validate(from, this.begun?.seconds ?? 0);
    let steps = from;
    if (!this.standing.end) {
      const recipe = Object.fromEntries(RECIPE_NAMES.map((name) => [name, settings[name]]));
      const onStep = (report: StepReport, run: TrainingRun) => this.afterStep(report, run);
      const more = { resumeFrom: this.begun, signal, onStep };
      ({ steps } = await trainRetinaNet(net, this.images, { ...recipe, ...more }));
    }
    const isInterrupted = signal?.aborted === true;
    // What the last step's validation says of patience is no reason any more.
    const { end: early } = this.standing;
    if (!isInterrupted && this.standing.validatedAt < steps) await this.validate(steps, this.run?.state().seconds ?? 0);
    const end = signal?.aborted ? 'interrupted' : (early ?? (this.isStopped ? 'stopped' : 'done'));
    if (end === 'done') this.standing = { ...this.standing, end };
    if (!this.standing.best && end !== 'interrupted') await this.saveBest();
    await this.save();
    return { steps, end };
  }

  private async afterStep(report: StepReport, run: TrainingRun): Promise<void> {
    const { settings, events } = this.parts;
    this.run = run;
    const { step, loss, classLoss, boxLoss, gradientNorm, learningRate, imagesPerSecond, seconds } = report;
    const losses = { loss, classLoss, boxLoss, gradientNorm, learningRate };
    this.metrics!.add({ kind: 'step', step, ...losses, imagesPerSecond, seconds });
    const stop = () => {
      this.isStopped = true;
      run.stop();
    };
    await events.onStep?.(report, {
      state: () => run.state(),
      updateModel: () => {
        run.updateModel();
      },
      stop,
    });
    if (step < report.steps && this.isDue(step, report.steps)) {
      run.updateModel();
      await this.validate(step, seconds);
      if (this.standing.end) run.stop();
      await this.save();
      return;
    }
    const { checkpointEvery, checkpointSeconds = Infinity } = settings;
    const isLong = performance.now() - this.saved.at >= checkpointSeconds * 1000;
    if (checkpointEvery === undefined ? isLong : step % checkpointEvery === 0) await this.save();
  }

  /** `steps`: of the whole run, as far as is known. */
  private isDue(step: number, steps?: number): boolean {
    const { validateEvery } = this.parts.settings;
    if (!this.validation || step <= this.standing.validatedAt) return false;
    if (validateEvery !== undefined) return step % validateEvery === 0;
    return steps !== undefined && step - this.standing.validatedAt >= validateEveryFor(steps);
  }

  /** Measures the averaged weights, which the net has; `best` is written where they are. */
  private async validate(step: number, seconds: number): Promise<void> {
    const { check, net, settings, events } = this.parts;
    if (!this.validation) return;
    const { images, truth } = this.validation;
    const { signal, onMeasure } = events;
    let coco;
    try {
      const options = { backend: settings.backend, signal, onImage: onMeasure };
      ({ coco } = await evaluateOpened(check, net, images, truth, options));
    } catch (error) {
      if (signal?.aborted) return; // put off until the run is resumed
      throw error;
    }
    const { AP, AP50, AP75, APs, APm, APl, AR100 } = numbersOf(coco);
    const classes = coco.classes.map((one) => ({ name: one.name, AP: one.AP, AP50: one.AP50 }));
    this.metrics!.add({ kind: 'validation', step, seconds, AP, AP50, AP75, APs, APm, APl, AR100, classes });
    const { best, withoutBetter } = this.standing;
    const isBetter = best === undefined || AP > best.AP;
    // Of those that find nothing, and where there is nothing to find (-1), the one that has learned longest is kept.
    const isBest = isBetter || best.AP <= 0;
    this.standing = {
      validatedAt: step,
      best: isBest ? { step, AP } : best,
      withoutBetter: isBetter || AP < 0 ? 0 : withoutBetter + 1,
    };
    if (isBest) await this.saveBest();
    const { patience = Infinity } = settings;
    if (this.standing.withoutBetter >= patience) this.standing.end = 'patience';
    await events.onValidation?.({ step, coco, isBest });
  }

  private async saveBest(): Promise<void> {
    const { folder, net } = this.parts;
    await replaceFolder(join(folder, RUN_FILES.best), (where) => saveRetinaNet(net, where));
  }

  /** Keeps the steps before one that failed, unless that fails as well. */
  private async keep(): Promise<void> {
    try {
      if ((this.run?.state().step ?? 0) > this.saved.step) await this.save();
    } catch {
      // The error that ended the run says more.
    }
  }
}
