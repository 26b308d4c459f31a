// One YOLO label file: a row an object, its class and shares of width and height.
import type { Warnings } from '../warnings.js';
import { boundsOf, pairsOf } from './bounds.js';
import { linesOf, type SourceBox } from './source.js';

export interface YoloRow {
  class: number;
  edges: SourceBox['edges'];
  line: number;
}

/** Further out than this a coordinate is no share of the image. */
const [LOWEST, HIGHEST] = [-0.5, 1.5];

/** @param keypoints rows go on with key points after the box */
export function readYoloRows(file: string, text: string, keypoints: boolean, warnings: Warnings): YoloRow[] {
  return linesOf(text).flatMap(({ line, text: row }): YoloRow[] => {
    const at = { file, line };
    const cells = row.split(row.includes(',') ? /[\s,]+/ : /\s+/).filter((cell) => cell !== '');
    const numbers = cells.map(Number);
    const bad = numbers.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      warnings.add('box-unreadable', at, `expected numbers, received '${cells[bad]!.slice(0, 40)}'`);
      return [];
    }
    const [label = NaN, ...values] = numbers;
    if (!Number.isInteger(label) || label < 0) {
      warnings.add('box-unreadable', at, `expected a class number, received ${cells[0] ?? 'nothing'}`);
      return [];
    }
    const edges = edgesOf(values, keypoints, (kind, message) => {
      warnings.add(kind, at, message);
    });
    return edges ? [{ class: label, edges, line }] : [];
  });
}

type Report = (kind: Parameters<Warnings['add']>[0], message: string) => void;

/**
 * 4 values: centre, width and height; 5: a confidence more. 8: the corners of an oriented box, 9: a confidence more. Other even
 * numbers from 6 on: a polygon.
 */
function edgesOf(values: number[], keypoints: boolean, report: Report): SourceBox['edges'] | undefined {
  const n = values.length;
  const isBox = keypoints ? n >= 4 : n === 4 || n === 5;
  const isOriented = !isBox && (n === 8 || n === 9);
  const isPolygon = !isBox && !isOriented && n >= 6 && n % 2 === 0;
  if (!isBox && !isOriented && !isPolygon) {
    report('box-unreadable', `expected 5 numbers, 9 or the points of a polygon, received ${n + 1}`);
    return undefined;
  }
  const coordinates = isBox ? values.slice(0, 4) : isOriented ? values.slice(0, 8) : values;
  const far = coordinates.find((value) => value < LOWEST || value > HIGHEST);
  if (far !== undefined) {
    report('box-not-shares', `${far} is not 0..1: pixels?`);
    return undefined;
  }
  if ((isBox && !keypoints && n === 5) || n === 9)
    report('confidence-ignored', `a confidence of ${values.at(-1) ?? ''}`);
  if (isBox) {
    const [x = 0, y = 0, width = 0, height = 0] = coordinates;
    if (width > 0 && height > 0) return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
    report('box-empty', `width ${width} and height ${height}: no area`);
    return undefined;
  }
  report(isOriented ? 'angle-lost' : 'outline-lost', `${coordinates.length / 2} points became their upright bounds`);
  return boundsOf(pairsOf(coordinates));
}
