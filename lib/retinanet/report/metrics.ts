// What a training wrote down of its steps and validations: metrics.jsonl.
import { readFile } from 'node:fs/promises';
import type { Check } from '../../arguments/check.js';
import { describe } from '../../arguments/describe.js';

/** The numbers of a step; null where there was none, such as a loss that is not finite. */
export const STEP_NUMBERS = [
  'loss',
  'classLoss',
  'boxLoss',
  'gradientNorm',
  'learningRate',
  'imagesPerSecond',
  'seconds',
] as const;
/** The numbers of a validation. */
export const VALIDATION_NUMBERS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR100', 'seconds'] as const;

export type StepRow = { step: number } & Record<(typeof STEP_NUMBERS)[number], number | null>;
/** Of a class; null where there was none. */
export interface ClassRow {
  name: string;
  AP: number | null;
}
export type ValidationRow = { step: number; classes: ClassRow[] } & Record<
  (typeof VALIDATION_NUMBERS)[number],
  number | null
>;

/** A training's course, by rising step. */
export interface Metrics {
  steps: StepRow[];
  validations: ValidationRow[];
}

/**
 * Reads metrics.jsonl. A last line that was cut off is passed over, as are lines of other kinds; where a training went back to a
 * checkpoint, what it did the second time replaces the first. A file that is not there is a run without steps.
 *
 * @throws RetinanetOpsError `ERR_DATA` naming file and line
 */
export async function readMetrics(check: Check, file: string): Promise<Metrics> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { steps: [], validations: [] };
    check.fail('ERR_DATA', file, 'a file that can be read', message, { cause });
  }
  const metrics: Metrics = { steps: [], validations: [] };
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const place = `${file}:${i + 1}`;
    // Whole lines end with a line feed: the last part is what a killed process left of one.
    const entry = parseLine(check, place, line, i === lines.length - 1);
    if (entry === undefined) continue;
    if (entry['kind'] === 'step') add(metrics.steps, readRow(check, place, entry, STEP_NUMBERS));
    if (entry['kind'] !== 'validation') continue;
    const classes = readClasses(check, place, entry['classes'] ?? []);
    add(metrics.validations, { ...readRow(check, place, entry, VALIDATION_NUMBERS), classes });
  }
  return metrics;
}

type Entry = Record<string, unknown>;

function parseLine(check: Check, place: string, line: string, isLast: boolean): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    if (isLast) return undefined;
    check.fail('ERR_DATA', place, 'a line of JSON', `one that is none (${(cause as Error).message})`, { cause });
  }
  if (typeof value === 'object' && value !== null && typeof (value as Entry)['kind'] === 'string')
    return value as Entry;
  return check.fail('ERR_DATA', place, "an object with a 'kind'", describe(value));
}

function readRow<Name extends string>(
  check: Check,
  place: string,
  entry: Entry,
  names: readonly Name[],
): { step: number } & Record<Name, number | null> {
  const { step } = entry;
  if (!Number.isSafeInteger(step) || (step as number) < 0) {
    check.fail('ERR_DATA', place, "an integer of at least 0 for 'step'", describe(step));
  }
  const numbers = names.map((name) => [name, numberOf(check, place, entry, name)]);
  return { step, ...Object.fromEntries(numbers) } as { step: number } & Record<Name, number | null>;
}

/** Null where there is none. */
function numberOf(check: Check, place: string, entry: Entry, name: string): number | null {
  const value = entry[name] ?? null;
  if (value === null || typeof value === 'number') return value;
  return check.fail('ERR_DATA', place, `a number for '${name}'`, describe(value));
}

function readClasses(check: Check, place: string, given: unknown): ClassRow[] {
  if (!Array.isArray(given)) check.fail('ERR_DATA', place, "an Array for 'classes'", describe(given));
  return (given as unknown[]).map((one) => {
    const entry = (one ?? {}) as Entry;
    const { name } = entry;
    if (typeof name !== 'string') return check.fail('ERR_DATA', place, "a 'name' of each class", describe(name));
    return { name, AP: numberOf(check, place, entry, 'AP') };
  });
}

function add<Row extends { step: number }>(rows: Row[], row: Row): void {
  while (rows.length > 0 && rows.at(-1)!.step >= row.step) rows.pop();
  rows.push(row);
}
