// What `train` says to people.
import type { CocoEvaluation } from '../retinanet/evaluation/coco.js';
import type { TrainingPlan, ValidationReport } from '../retinanet/session/events.js';
import type { TrainedDetector } from '../retinanet/session/train-detector.js';
import type { StepReport } from '../retinanet/training/step-report.js';
import { minutes } from './progress.js';
import { figure, table } from './table.js';

/** The plan as one table. */
export function planText({
  folder,
  classes,
  warnings,
  images,
  settings,
  parameters,
  copied,
  leftAtPrior,
  anchors,
  step,
}: TrainingPlan): string {
  const rows = settings.flatMap(({ name, value, from }) => {
    const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
    const parts: [string, unknown][] = isGroup ? Object.entries(value) : [['', value]];
    return parts.map(([part, one]) => [part === '' ? name : `${name}.${part}`, valueText(one), from]);
  });
  const names = classes.length > 12 ? `${classes.slice(0, 12).join(', ')}, ...` : classes.join(', ');
  const taken = copied > 0 ? `, ${millions(copied)} M taken over` : '';
  const kinds = warnings.map(({ kind, count }) => `${kind} (${String(count)})`).join(', ');
  const mended = kinds === '' ? [] : [`mended, left out or worth knowing (inspect says where): ${kinds}`];
  return [
    `${String(classes.length)} ${classes.length === 1 ? 'class' : 'classes'}: ${names}`,
    `images: ${String(images.train)} to train on, ${String(images.validation)} to validate, ${String(images.test)} to test`,
    ...(images.validation > 0 ? [] : ['nothing is measured on the way: the detector is what the run ends with']),
    ...mended,
    `network: ${millions(parameters)} M weights${taken}, ${String(anchors)} anchors an image`,
    ...(leftAtPrior.length > 0 ? [`of other classes, so left untrained: ${leftAtPrior.join(', ')}`] : []),
    table(['setting', 'value', 'from'], rows),
    `${step > 0 ? `resuming after step ${String(step)}` : 'run'}: ${folder}`,
  ].join('\n');
}

const millions = (count: number) => (count / 1e6).toFixed(2);

function valueText(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** What stands behind the bar. `AP`: of the last validation. */
export function stepText(
  { loss, classLoss, boxLoss, learningRate, imagesPerSecond, etaMs }: StepReport,
  AP?: number,
): string {
  const losses = `loss ${loss.toFixed(3)} (class ${classLoss.toFixed(3)}, box ${boxLoss.toFixed(3)})`;
  const ap = AP === undefined ? '' : `  AP ${figure(AP)}`;
  return `${losses}  rate ${learningRate.toExponential(1)}  ${imagesPerSecond.toFixed(1)} images/s  ${minutes(etaMs)} left${ap}`;
}

export function validationText({ step, coco, isBest }: ValidationReport): string {
  return `step ${String(step)}: validation AP ${figure(coco.AP)}, AP50 ${figure(coco.AP50)}${isBest && coco.AP > 0 ? ', the best so far' : ''}`;
}

/** What a run led to. */
export function resultText({ folder, steps, end, evaluation }: TrainedDetector): string {
  const why = end === 'patience' ? ': AP no longer rose' : end === 'stopped' ? ': stopped' : '';
  const done = `${String(steps)} steps${why}; the detector is in ${folder}/best`;
  return evaluation ? `${evaluationText(evaluation.split, evaluation.coco)}\n${done}\n` : `${done}\n`;
}

function evaluationText(split: string, coco: CocoEvaluation): string {
  const row = (name: string, { AP, AP50, AP75 }: { AP: number; AP50: number; AP75: number }) => [
    name,
    ...[AP, AP50, AP75].map(figure),
  ];
  const rows = [...coco.classes.map((one) => row(one.name, one)), row('all', coco)];
  return `On the ${split} split:\n${table(['class', 'AP', 'AP50', 'AP75'], rows)}`;
}
