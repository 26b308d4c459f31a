// The parts of a page about what the network does: average precision, precision over recall, the losses of easy and hard samples.
import type { CocoClass, CocoNumbers } from '../evaluation/coco.js';
import { COCO_RECALLS } from '../evaluation/precision.js';
import { chartFigure, MOST_CURVES, SHOWN_CURVES, table, type Chart } from './charts.js';
import type { LossShares } from './cumulative-loss.js';
import type { Results } from './data.js';
import { count, html, plural, share, type Html } from './html.js';
import type { Part } from './training-parts.js';

const SIZES = [
  ['APs', 'small', 'up to 32² pixels'],
  ['APm', 'medium', '32² to 96² pixels'],
  ['APl', 'large', 'from 96² pixels'],
] as const;

export function precisionPart({ coco }: Results): Part {
  const names = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR100'] as const;
  const row = (name: string, numbers: CocoNumbers, objects: number) => [
    name,
    count(objects),
    ...names.map((key) => bar(numbers[key])),
  ];
  const objects = coco.classes.reduce((sum, { numGroundTruth }) => sum + numGroundTruth, 0);
  const content = html`<p class="note">
      As the COCO tool computes them, by size:
      ${SIZES.map(([key, name, range], i) => `${i > 0 ? '; ' : ''}${key}, ${name} objects, ${range}`)}. A dash stands
      where there is no object that counts.
    </p>
    ${table(
      ['class', 'objects', ...names],
      [row('all classes', coco, objects), ...coco.classes.map((one) => row(one.name, one, one.numGroundTruth))],
      'By class and size',
    )}`;
  return { id: 'precision', title: 'Average precision', content, charts: [] };
}

/** A number in [0, 1] over a bar of its length. */
function bar(value: number): Html {
  return html`<span class="bar" style="--share:${Math.max(0, value).toFixed(3)}">${share(value)}</span>`;
}

/** Of COCO's ten thresholds of IoU. */
const THRESHOLDS = [
  [0, '.5'],
  [5, '.75'],
] as const;

export function curvesPart({ coco }: Results): Part {
  const ranked = coco.classes.filter(({ numGroundTruth }) => numGroundTruth > 0);
  ranked.sort((a, b) => b.numGroundTruth - a.numGroundTruth);
  const kept = ranked.slice(0, MOST_CURVES);
  const charts = THRESHOLDS.map(([threshold, iou]): Chart => ({
    id: `chart-precision-${threshold}`,
    label: `Precision over recall of each class at IoU ${iou}`,
    ...{ xLabel: 'recall', yLabel: 'precision', scale: 'share' },
    x: Array.from(COCO_RECALLS, (recall) => Number(recall.toFixed(2))),
    series: kept.map((one, i) => ({
      label: one.name,
      values: Array.from(curveOf(one, threshold), (value) => Number(value.toFixed(3))),
      isHidden: i >= SHOWN_CURVES,
    })),
  }));
  const few =
    ranked.length > SHOWN_CURVES &&
    html`<p class="note">
      ${ranked.length > kept.length && `The ${kept.length} classes with most objects of ${ranked.length}. `}The first
      ${SHOWN_CURVES} are shown; choose others in the legend.
    </p>`;
  const content =
    kept.length === 0
      ? html`<p class="note">No class has an object that counts.</p>`
      : html`${few}
          <div class="charts">
            ${charts.map((chart, i) => chartFigure(chart, `Precision over recall at IoU ${THRESHOLDS[i]![1]}`))}
          </div>`;
  return { id: 'curves', title: 'Precision over recall', content, charts: kept.length === 0 ? [] : charts };
}

const curveOf = ({ precision }: CocoClass, threshold: number): Float64Array =>
  precision.subarray(threshold * COCO_RECALLS.length, (threshold + 1) * COCO_RECALLS.length);

/** Shares of the samples that the table of figure 4 has, from the easiest on. */
const EASIEST = [0.5, 0.8, 0.9, 0.99, 0.999];

export function lossPart({ losses, lossImages }: Results): Part {
  const kinds = (['foreground', 'background'] as const).filter((kind) => losses[kind].samples > 0);
  const charts = kinds.map((kind): Chart => ({
    id: `chart-${kind}`,
    label: `Share of the loss that the easiest ${kind} samples carry`,
    ...{ xLabel: 'samples, easiest first', yLabel: 'share of the loss', scale: 'share' },
    x: losses.fractions,
    series: losses.gammas.map((gamma, g) => ({
      label: `γ = ${gamma}`,
      values: losses[kind].shares[g]!.map((value) => Number(value.toFixed(5))),
    })),
  }));
  const title = (kind: string, { samples }: LossShares) =>
    `${kind === 'foreground' ? 'Foreground' : 'Background'}: ${plural(samples, 'anchor')}`;
  const content = html`<p>
      Anchors of ${plural(lossImages, 'picture')}, sorted by their focal loss under this network: a curve that stays low
      and rises at the end means that few hard samples carry the loss. At γ = 0 the loss is cross-entropy; a larger γ
      takes weight from the easy samples. As in figure 4 of Lin et al., “Focal Loss for Dense Object Detection” (2017),
      for the losses without α.
    </p>
    <div class="charts">${charts.map((chart, i) => chartFigure(chart, title(kinds[i]!, losses[kinds[i]!])))}</div>
    <div class="charts">${kinds.map((kind) => easyTable(kind, losses[kind], losses.gammas, losses.fractions))}</div>`;
  return { id: 'losses', title: 'How much of the loss do the easy samples carry?', content, charts };
}

function easyTable(
  kind: string,
  { shares }: LossShares,
  gammas: readonly number[],
  fractions: readonly number[],
): Html {
  const at = (curve: readonly number[], fraction: number) => {
    const value = curve[fractions.indexOf(fraction)];
    return value === undefined ? share(undefined) : `${(100 * value).toFixed(1)} %`;
  };
  return table(
    ['easiest', ...gammas.map((gamma) => `γ = ${gamma}`)],
    EASIEST.map((fraction) => [
      `${(100 * fraction).toFixed(fraction > 0.99 ? 1 : 0)} %`,
      ...shares.map((curve) => at(curve, fraction)),
    ]),
    `Share of the loss that the easiest ${kind} samples carry`,
  );
}
