// What a run writes down of its steps and validations: metrics.jsonl, and the same for TensorBoard.
import { closeSync, openSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventFile } from './event-file.js';
import { RUN_FILES } from './run-folder.js';

/** A line. */
interface Line {
  kind: 'step' | 'validation';
  step: number;
  /** Of a validation. */
  classes?: readonly { name: string; AP: number }[];
  [name: string]: unknown;
}

export class Metrics {
  private readonly file: number;
  private readonly events: EventFile;

  private constructor(file: number, events: EventFile) {
    this.file = file;
    this.events = events;
  }

  /**
   * Keeps what is there up to a step; what comes after it, or is half a line, is written once more by the run that goes on. TensorBoard
   * drops what comes after it, too.
   */
  static async open(folder: string, step: number): Promise<Metrics> {
    const path = join(folder, RUN_FILES.metrics);
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error; // what cannot be read is not to be cut off
    });
    let kept = 0;
    for (const line of text.split('\n').slice(0, -1)) {
      if (!(stepOf(line) <= step)) break;
      kept += Buffer.byteLength(line) + 1;
    }
    if (text !== '') truncateSync(path, kept); // by its path: Windows lets no file be cut that is open for appending
    const file = openSync(path, 'a');
    try {
      return new Metrics(file, await EventFile.open(folder, step + 1));
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /** At once: a process that is killed loses none. */
  add(line: Line): void {
    writeFileSync(this.file, `${JSON.stringify(line)}\n`); // all of it, or an error where the disk is full
    this.events.add(line.step, scalarsOf(line));
  }

  close(): void {
    closeSync(this.file);
    this.events.close();
  }
}

/** The numbers of a line, in TensorBoard's groups. */
function scalarsOf({ kind, step: _, seconds: __, classes = [], ...numbers }: Line): [tag: string, value: number][] {
  const group = kind === 'step' ? 'training' : 'validation';
  const all = Object.entries(numbers).map(([name, value]) => [`${group}/${name}`, value] as [string, number]);
  const byClass = classes.map(({ name, AP }) => [`validation AP by class/${name}`, AP] as [string, number]);
  // -1 stands for no object that counts.
  return [...all, ...(kind === 'validation' ? byClass : [])].filter(
    ([, value]) => Number.isFinite(value) && (kind === 'step' || value >= 0),
  );
}

/** NaN of what is no line of metrics. */
function stepOf(line: string): number {
  try {
    return Number((JSON.parse(line) as { step?: unknown }).step);
  } catch {
    return NaN;
  }
}
