// What `retinanet-ops inspect` prints for people.
import type { DataWarning } from '../retinanet/data/annotations.js';
import type { AnchorReport, DatasetInspection } from '../retinanet/data/inspect.js';
import type { DatasetStatistics, Spread } from '../retinanet/data/statistics.js';
import { WARNING_KINDS, type WarningKind } from '../retinanet/data/warnings.js';
import { table } from './table.js';

const SPLITS = ['train', 'val', 'test'] as const;
/** Rows of classes; the rest is one line. */
const MOST_CLASSES = 40;

export function inspectionText({ dataset, statistics, anchors }: DatasetInspection, sheet?: string): string {
  const { format, classes, warnings, root } = dataset;
  const images = SPLITS.reduce((sum, split) => sum + statistics.splits[split].images, 0);
  const boxes = SPLITS.reduce((sum, split) => sum + statistics.splits[split].boxes, 0);
  const parts = [
    `${root}: ${format}, ${counted(classes.length, 'class', 'classes')}, ${counted(images, 'image')}, ${counted(boxes, 'box', 'boxes')}`,
    splitTable(statistics),
    classTable(statistics),
    sizeTable(statistics),
    warnings.length === 0
      ? 'Nothing had to be mended.'
      : `Mended, left out or worth knowing:\n${warnings.map(warningText).join('\n')}`,
    anchorText(anchors),
  ];
  if (sheet !== undefined) parts.push(`Pictures with their boxes: ${sheet}`);
  return `${parts.join('\n\n')}\n`;
}

const counted = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const number = (value: number) => String(Number(value.toFixed(1)));
const spread = ({ min, median, max }: Spread) => [min, median, max].map(number);

function splitTable({ splits }: DatasetStatistics): string {
  const rows = SPLITS.map((split) => {
    const { images, emptyImages, boxes, difficult, ignore, boxesPerImage } = splits[split];
    return [split, images, emptyImages, boxes, difficult, ignore, spread(boxesPerImage).join(' / ')];
  });
  return table(
    ['split', 'images', 'empty', 'boxes', 'difficult', 'ignored', 'boxes per image: min / median / max'],
    rows,
  );
}

function classTable({ classes }: DatasetStatistics): string {
  const rows = classes
    .slice(0, MOST_CLASSES)
    .map(({ name, boxes, side }) => [name, boxes.train, boxes.val, boxes.test, spread(side).join(' / ')]);
  const more = classes.length - rows.length;
  const rest = more > 0 ? `\n... and ${counted(more, 'class', 'classes')} more (--json lists them)` : '';
  return table(['class', ...SPLITS, 'sqrt(area): min / median / max'], rows) + rest;
}

function sizeTable({ imageWidth, imageHeight, boxWidth, boxHeight }: DatasetStatistics): string {
  const row = (name: string, value: Spread) => [name, ...spread(value)];
  const rows = [
    row('image width', imageWidth),
    row('image height', imageHeight),
    row('box width', boxWidth),
    row('box height', boxHeight),
  ];
  return table(['pixels', 'min', 'median', 'max'], rows);
}

function warningText({ kind, count, examples }: DataWarning): string {
  const places = examples.map(({ file, line, message }) => {
    return `    ${line === undefined ? file : `${file}:${line}`}: ${message}`;
  });
  const what = WARNING_KINDS[kind as WarningKind];
  const more = count > examples.length ? [`    ... and ${count - examples.length} more`] : [];
  return [`  ${kind} (${count}): ${what}`, ...places, ...more].join('\n');
}

function anchorText(anchors: AnchorReport): string {
  const { config, boxes, images, unreached, unmatched, positivesPerBox, positiveThreshold, levels, suggested } =
    anchors;
  const share = (count: number) => `${count} of ${boxes} (${number((100 * count) / Math.max(1, boxes))}%)`;
  const shapes = (of: typeof config | typeof suggested) =>
    `size ${number(of.anchorSizeInStrides)} strides, scales ${of.anchorScales.map((scale) => scale.toFixed(2)).join(', ')}, ` +
    `aspect ratios ${of.aspectRatios.join(', ')}`;
  const rows = levels.map(({ stride, sides, positives, boxes: own }) => [
    stride,
    sides.map((side) => Math.round(side)).join(', '),
    own,
    positives,
  ]);
  return [
    `Anchors on ${config.imageWidth}x${config.imageHeight}, ${counted(images, 'image')} of train: ${shapes(config)}`,
    table(['stride', 'sides', 'boxes', 'positive anchors'], rows),
    `  no anchor reaches an IoU of ${positiveThreshold}: ${share(unreached)}; without any positive anchor: ${unmatched}; ` +
      `positive anchors per box: ${number(positivesPerBox.mean)}`,
    `Suggested: ${shapes(suggested)}`,
    `  no anchor reaches it: ${share(suggested.unreached)}; without any positive anchor: ${suggested.unmatched}; ` +
      `positive anchors per box: ${number(suggested.positivesPerBox.mean)}`,
  ].join('\n');
}
