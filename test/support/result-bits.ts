// Prints, as JSON, a hash of every array and number that the operations give for their random calls: systems that print the same
// have the same bits. With names of results as arguments their values instead, as text where they are not finite.
import * as sync from 'retinanet-ops';
import { createHash, type Hash } from 'node:crypto';
import { calls, largeCall, operation } from '../operations/driver/calls.js';
import { cases } from '../operations/driver/cases.js';
import { digest } from '../operations/driver/trees.js';

const wanted = process.argv.slice(2);
const hashes = new Map<string, Hash>();
const values = new Map<string, unknown[]>(wanted.map((name) => [name, []]));
function add(name: string, result: unknown): void {
  const isTree = typeof result === 'object' && result !== null && !ArrayBuffer.isView(result);
  if (isTree) for (const [key, value] of Object.entries(result)) add(`${name}.${key}`, value);
  else if (wanted.length > 0) values.get(name)?.push(...numbers(result));
  else hashes.set(name, (hashes.get(name) ?? createHash('sha256')).update(digest(result)));
}
const numbers = (result: unknown) =>
  (ArrayBuffer.isView(result) ? Array.from(result as Float32Array) : [Number(result)]).map((x) =>
    Number.isFinite(x) ? x : String(x),
  );

for (const c of cases) {
  if (wanted.length > 0 && !wanted.some((name) => name.split('.', 1)[0] === c.name)) continue;
  for (const { args } of [...calls(c), largeCall(c)]) add(c.name, operation(sync, c.name)(...args));
}
const printed = wanted.length > 0 ? values : [...hashes].map(([name, hash]) => [name, hash.digest('hex')] as const);
process.stdout.write(JSON.stringify(Object.fromEntries(printed)));
