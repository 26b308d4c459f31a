// Calls made from cases, and what may be said of a result without knowing the operation.
import * as sync from 'retinanet-ops';
import { mismatch } from '../../support/compare.js';
import { random } from '../../support/random.js';
import type { Case } from './case.js';
import { digest, at, put, type Numbers } from './trees.js';

export type Operation = (...args: unknown[]) => unknown;

/** An operation by its name; what is passed is deliberately untyped. */
export function operation(from: object, name: string): Operation {
  const found = (from as Record<string, unknown>)[name];
  if (typeof found !== 'function') throw new TypeError(`no operation ${name}`);
  return found as Operation;
}

/** By how much variants are to do less, which compute slowly: the emulated kernels, above all. */
export const EVERY = Number(process.env['RETINANET_OPS_TEST_EVERY'] ?? 1);
/** At least `least`: of what is linear in EVERY. */
export const lessOften = (count: number, least = 1): number => Math.max(least, Math.ceil(count / EVERY));

/** Of a property's runs, or of random calls, of which each is as good as the next. */
export const fewerRuns = (count: number): number => Math.ceil(count / Math.sqrt(EVERY));

export interface Call {
  title: string;
  args: unknown[];
}

/** The arguments with more options. */
export function withOptions(args: readonly unknown[], given: object): unknown[] {
  return [...args.slice(0, -1), { ...(args.at(-1) as object), ...given }];
}

/** Random calls of every size, each with every variant. */
export function* calls(c: Case, rounds = c.rounds ?? 60, sizes = c.rows.edges): Generator<Call> {
  const count = Math.max(sizes.length, fewerRuns(rounds));
  for (let round = 0; round < count; round++) {
    const rows = sizes[round % sizes.length]!;
    const inputs = c.inputs(random(1000 * round + rows), rows);
    for (const variant of c.variants?.(...inputs) ?? [{}]) {
      const title = `${c.name}, round ${round} of ${rows} rows, ${Object.entries(variant).flat().join(' ')}`;
      yield { title, args: withOptions(inputs, variant) };
    }
  }
}

/** One call that several threads share, or of so many rows. */
export function largeCall(c: Case, seed = 1, rows = lessOften(c.rows.large, Math.max(...c.rows.edges))): Call {
  const inputs = c.inputs(random(seed), rows);
  return { title: `${c.name} of ${rows} rows`, args: withOptions(inputs, c.variants?.(...inputs)[0] ?? {}) };
}

/** What of a result is not what the reference gives, as a sentence, or null. */
export function wrongResult(c: Case, args: unknown[], got: unknown = operation(sync, c.name)(...args)): string | null {
  const compare = (value: unknown, want: unknown, key: string): string | null => {
    if (typeof want === 'object' && want !== null && !ArrayBuffer.isView(want) && !Array.isArray(want)) {
      for (const [name, entry] of Object.entries(want)) {
        const wrong = compare((value as Record<string, unknown>)[name], entry, name);
        if (wrong !== null) return wrong;
      }
      return null;
    }
    if ((typeof value === 'number') !== (typeof want === 'number')) return `${key} is ${String(value)}`;
    const [a, b] = [value, want].map((v) => (typeof v === 'number' ? [v] : (v as ArrayLike<number>))) as [
      number[],
      number[],
    ];
    const wrong = mismatch(a, b, c.tolerance?.(key, ...args) ?? {});
    return wrong === null ? null : `${key}${wrong}`;
  };
  return compare(got, c.reference(...args), '');
}

/** What lies at an output's path in a result. */
export function outputOf(result: unknown, path: string): Numbers {
  if (ArrayBuffer.isView(result)) return result as Numbers;
  const name = path.split('.').at(-1) as string;
  return (result as Record<string, Numbers>)[{ losses: 'loss', out: 'grad' }[name] ?? name]!;
}

export interface Output {
  /** Among the arguments. */
  path: string;
  /** The operand that it may be. */
  over: string | null;
  make: () => Numbers;
}

/** The outputs of a call, each with a maker of arrays for it. */
export function outputsOf(c: Case, args: unknown[]): Output[] {
  const result = operation(sync, c.name)(...args);
  return Object.entries(c.outputs?.(...args) ?? {}).map(([path, over]) => ({
    path: `${args.length - 1}.${path}`,
    over,
    make: () => outputOf(result, path).slice().fill(77),
  }));
}

/** What is wrong with results in arrays of the caller's, beside the operands and over the one that they may be. */
export function wrongOutput(c: Case, args: unknown[]): string | null {
  const call = operation(sync, c.name);
  const want = digest(call(...args));
  for (const { path, over, make } of outputsOf(c, args)) {
    const out = make();
    const beside = call(...put(args, path, out));
    if (outputOf(beside, path) !== out) return `${path} is not the array that was given`;
    if (digest(beside) !== want) return `${path}: other bits`;
    if (over === null) continue;
    const operand = (at(args, over) as Numbers).slice();
    if (digest(call(...put(put(args, over, operand), path, operand))) !== want)
      return `${path} in place of ${over}: other bits`;
  }
  return null;
}
