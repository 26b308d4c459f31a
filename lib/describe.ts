// How messages name what came.
import { isOfAnotherCopy } from './copies.js';
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

/** The nearest known name, for one that may be a typo. */
export function suggestion(value: unknown, names: readonly string[]): string {
  if (typeof value !== 'string' || value.length > 60) return '';
  const nearest = [...names].sort((a, b) => editDistance(value, a) - editDistance(value, b))[0];
  return nearest === undefined ? '' : ` (did you mean '${nearest}'?)`;
}

/** Levenshtein distance, letter case ignored. */
function editDistance(a: string, b: string): number {
  const x = a.toLowerCase();
  const y = b.toLowerCase();
  let row = Array.from({ length: y.length + 1 }, (_, j) => j);
  for (let i = 1; i <= x.length; i++) {
    const next = [i];
    for (let j = 1; j <= y.length; j++) {
      const substitute = (row[j - 1] as number) + (x[i - 1] === y[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[y.length] as number;
}
