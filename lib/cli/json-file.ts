// JSON files that people give.
import { readFile } from 'node:fs/promises';
import { RetinanetOpsError } from '../arguments/errors.js';
import { textOf } from '../retinanet/data/text.js';

/**
 * What a file of JSON holds.
 *
 * @param what names it in messages, such as `the truth`
 * @throws RetinanetOpsError `ERR_DATA` naming the file, and the line where it is no JSON
 */
export async function readJson(file: string, what: string): Promise<unknown> {
  const fail = (received: string, cause?: unknown): never => {
    const message = `expected a file of JSON for ${what}, received ${file}, ${received}`;
    throw new RetinanetOpsError('ERR_DATA', message, cause === undefined ? undefined : { cause });
  };
  let text: string;
  try {
    text = textOf(await readFile(file));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return fail(code === 'ENOENT' ? 'which does not exist' : `which cannot be read (${message})`, cause);
  }
  if (text.trim() === '') fail('which is empty');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const { message } = cause as Error;
    return fail(`which is none at line ${String(lineOfError(text, message))} (${message.replace(/\s+/g, ' ')})`, cause);
  }
}

/** The line, from 1, at which JSON.parse gave up: its message does not always tell the position. */
function lineOfError(text: string, message: string): number {
  const position = positionIn(message);
  if (position !== undefined) return text.slice(0, position).split('\n').length;
  const lines = text.trimEnd().split('\n');
  if (isEnd(message)) return lines.length;
  // The fewest lines that are no beginning of JSON.
  let [low, high] = [1, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (canGoOn(lines.slice(0, middle).join('\n'))) low = middle + 1;
    else high = middle;
  }
  return low;
}

function canGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return isEnd(message) || (positionIn(message) ?? -1) >= beginning.length;
  }
}

const isEnd = (message: string) => message.includes('end of JSON input');

function positionIn(message: string): number | undefined {
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? undefined : Number(position);
}
