// How messages name what came.
import { isOfAnotherCopy } from '../runtime/copies.js';
import { kindOf } from './typed-arrays.js';

/** With its article. */
export function a(name: string): string {
  return `${/^[AEIO]/i.test(name) ? 'an' : 'a'} ${name}`;
}

/** A value as messages name it. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}...` : value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined) return String(value);
  if (typeof value === 'bigint') return `${String(value)}n`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  try {
    if (Array.isArray(value)) return 'an Array';
    const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null;
    const name = kindOf(value) ?? prototype?.constructor?.name;
    const what = typeof name !== 'string' || name === '' || name === 'Object' ? 'an object' : a(name);
    return isOfAnotherCopy(value)
      ? `${what} of another copy of retinanet-ops (two installations, or a module reset)`
      : what;
  } catch {
    return 'an object'; // a revoked proxy, a getter that throws
  }
}

/** The nearest known name, for one that may be a typo; nothing where none is near. */
export function suggestion(value: unknown, names: readonly string[]): string {
  if (typeof value !== 'string' || value.length > 60) return '';
  const near = names.filter((name) => isNear(value, name));
  const nearest = near.sort((a, b) => editDistance(value, a) - editDistance(value, b))[0];
  return nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
}

/** Edits to less than a third of the letters, or every word of one begins a word of the other (num_classes, classes: numClasses). */
function isNear(a: string, b: string): boolean {
  if (3 * editDistance(a, b) < Math.max(a.length, b.length)) return true;
  const [x, y] = [words(a), words(b)];
  return beginWordsOf(x, y) || beginWordsOf(y, x);
}

function words(name: string): string[] {
  return (name.match(/[A-Z]?[a-z\d]+|[A-Z]+(?![a-z])/g) ?? []).map((word) => word.toLowerCase());
}

function beginWordsOf(some: readonly string[], all: readonly string[]): boolean {
  const begins = (word: string) => word.length > 2 && all.some((whole) => whole.startsWith(word));
  return some.length > 0 && some.every(begins);
}

/** Damerau-Levenshtein distance, letter case ignored. Two letters swapped are half an edit. */
function editDistance(a: string, b: string): number {
  const x = a.toLowerCase();
  const y = b.toLowerCase();
  const rows = [Array.from({ length: y.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= x.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= y.length; j++) {
      const substitute = above[j - 1]! + (x[i - 1] === y[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1];
      const swap = swapped ? rows[i - 2]![j - 2]! + 0.5 : Infinity;
      row.push(Math.min(substitute, above[j]! + 1, row[j - 1]! + 1, swap));
    }
    rows.push(row);
  }
  return rows[x.length]![y.length]!;
}
