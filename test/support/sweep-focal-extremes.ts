// Calls of extreme settings, as many as the argument says, on the backend that is set and the instruction set that
// RETINANET_OPS_CPU names. Prints one line of JSON.
import { backendInfo } from 'retinanet-ops';
import { extremeCall, wrongExtreme } from './focal-extremes.js';

const calls = Number(process.argv[2] ?? 4000);
const wrong: string[] = [];
for (let seed = 0; seed < calls; seed++) {
  const sentence = wrongExtreme(extremeCall(seed));
  if (sentence !== null) wrong.push(`seed ${String(seed)}: ${sentence}`);
}
const { active, cpu } = backendInfo();
console.log(JSON.stringify({ active, instructionSet: cpu.instructionSet, calls, wrong: wrong.slice(0, 10) }));
