// Calls of extreme settings on the instruction set that RETINANET_OPS_CPU names. Prints one line of JSON.
import { backendInfo } from 'retinanet-ops';
import { extremeCall, wrongExtreme } from './focal-extremes.js';

const calls = 4000;
const wrong: string[] = [];
for (let seed = 0; seed < calls; seed++) {
  const sentence = wrongExtreme(extremeCall(seed));
  if (sentence !== null) wrong.push(`seed ${String(seed)}: ${sentence}`);
}
console.log(JSON.stringify({ instructionSet: backendInfo().cpu.instructionSet, calls, wrong: wrong.slice(0, 10) }));
