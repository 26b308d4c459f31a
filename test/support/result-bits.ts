// Prints, as JSON, a hash of every array and number that the operations give for their random calls: systems that print the same
// have the same bits.
import * as sync from 'retinanet-ops';
import { createHash, type Hash } from 'node:crypto';
import { calls, largeCall, operation } from '../operations/driver/calls.js';
import { cases } from '../operations/driver/cases.js';
import { digest } from '../operations/driver/trees.js';

const hashes = new Map<string, Hash>();
function add(name: string, result: unknown): void {
  const isTree = typeof result === 'object' && result !== null && !ArrayBuffer.isView(result);
  if (isTree) for (const [key, value] of Object.entries(result)) add(`${name}.${key}`, value);
  else hashes.set(name, (hashes.get(name) ?? createHash('sha256')).update(digest(result)));
}

for (const c of cases) {
  for (const { args } of [...calls(c), largeCall(c)]) add(c.name, operation(sync, c.name)(...args));
}
const printed = [...hashes].map(([name, hash]) => [name, hash.digest('hex')] as const);
process.stdout.write(JSON.stringify(Object.fromEntries(printed)));
