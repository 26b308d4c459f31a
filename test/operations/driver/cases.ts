// The cases of ../cases, found by where they lie: a new file there is a new operation in every test and benchmark.
import { readdirSync } from 'node:fs';
import type { Case } from './case.js';
import type { LossCases } from './loss.js';

const folder = new URL('../cases/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.js'));
const modules = await Promise.all(
  files.sort().map(async (file) => {
    const module = (await import(new URL(file, folder).href)) as {
      default: readonly (Case | LossCases)[] | LossCases;
    };
    return module.default;
  }),
);
const all = modules.flat();

export const losses = all.filter((of) => 'loss' in of);
export const cases = all.flatMap((of) => ('loss' in of ? of.cases : of));

/** Those that every backend and every kind of tensor has. */
export const everywhere = cases.filter(({ cpuOnly }) => cpuOnly !== true);

export function caseOf(name: string): Case {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`test/operations/cases has no case of ${name}`);
  return found;
}
