// What a reader of one format finds, before images are looked at.
import type { DataFormat, SplitName } from '../annotations.js';
import type { DatasetFiles } from '../files.js';
import type { Place, Warnings } from '../warnings.js';

/** A box as the source has it. */
export interface SourceBox {
  class: string;
  /** Left, upper, right, lower, in pixels or in shares of the image. */
  edges: [number, number, number, number];
  difficult?: boolean;
  /** A crowd: a region to ignore. */
  crowd?: boolean;
  at: Place;
  /** What messages call it, such as 'object 2'. */
  name: string;
}

/** An image as the source has it. */
export interface SourceImage {
  file: string;
  split: SplitName | undefined;
  /** The size that the source states, in pixels. */
  stated?: { width: number; height: number };
  /** Where that is stated. */
  at: Place;
  boxes: SourceBox[];
}

export interface Source {
  format: DataFormat;
  classes: string[];
  images: SourceImage[];
  /** Coordinates are shares of width and height. */
  shares: boolean;
}

/** What every reader works with. */
export interface Reading {
  files: DatasetFiles;
  warnings: Warnings;
}

const SPLIT_NAMES: Record<string, SplitName> = {
  train: 'train',
  training: 'train',
  val: 'val',
  valid: 'val',
  validate: 'val',
  validation: 'val',
  dev: 'val',
  test: 'test',
  testing: 'test',
};

/** The split that a path names: its last part that holds one of the words train, val, valid, validation, test (`train2017`). */
export function splitOfPath(path: string): SplitName | undefined {
  for (const part of path.toLowerCase().split('/').reverse()) {
    const words = part.match(/[a-z]+/g) ?? [];
    const named = new Set(words.flatMap((word) => (Object.hasOwn(SPLIT_NAMES, word) ? [SPLIT_NAMES[word]!] : [])));
    if (named.size === 1) return [...named][0];
  }
  return undefined;
}

/** Of several files those whose path names the split, where some do. */
export function ofSplit(paths: readonly string[], split: SplitName | undefined): readonly string[] {
  if (paths.length < 2) return paths;
  const own = paths.filter((path) => splitOfPath(path) === split);
  return own.length > 0 ? own : paths;
}

/** A class name as it is compared and shown. */
export const className = (name: string): string => name.normalize('NFC').trim().replace(/\s+/g, ' ');

/** Lines of a text with their numbers, from 1, without those that are blank. */
export function linesOf(text: string): { line: number; text: string }[] {
  return text.split(/\r\n|\n|\r/).flatMap((raw, i) => {
    const trimmed = raw.trim();
    return trimmed === '' ? [] : [{ line: i + 1, text: trimmed }];
  });
}

/**
 * Annotation files by split. Where some are of a split, one that is of none is the training set's, unless that has its own: then it is
 * what the splits were made of, and superfluous.
 */
export function splitFiles(
  paths: readonly string[],
  warnings: Warnings,
): { path: string; split: SplitName | undefined }[] {
  const files = paths.map((path) => ({ path, split: splitOfPath(path) }));
  const named = new Set(files.map(({ split }) => split));
  if (named.size === 1) return files;
  if (!named.has('train')) return files.map(({ path, split }) => ({ path, split: split ?? 'train' }));
  return files.filter(({ path, split }) => {
    if (split === undefined) warnings.add('file-not-read', { file: path }, 'the training set has a file of its own');
    return split !== undefined;
  });
}
