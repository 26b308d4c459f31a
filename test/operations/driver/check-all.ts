// Every case beside its reference and in place, on the instruction set that RETINANET_OPS_CPU names. Prints one line of JSON.
import { backendInfo } from 'retinanet-ops';
import { calls, wrongOutput, wrongResult } from './calls.js';
import { cases } from './cases.js';

const wrong: string[] = [];
const checked: Record<string, number> = {};
for (const c of cases) {
  for (const { title, args } of calls(c)) {
    const sentence = wrongResult(c, args) ?? wrongOutput(c, args);
    if (sentence !== null) wrong.push(`${title}: ${sentence}`);
    checked[c.name] = (checked[c.name] ?? 0) + 1;
  }
}
console.log(JSON.stringify({ instructionSet: backendInfo().cpu.instructionSet, checked, wrong: wrong.slice(0, 10) }));
