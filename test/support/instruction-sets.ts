import { backendInfo } from 'retinanet-ops';

const best = backendInfo().cpu.instructionSet;
const known = process.arch === 'x64' ? ['baseline', 'avx2', 'avx512'] : ['neon'];

/** Those that this processor has, up to the best, which is the default. RETINANET_OPS_CPU chooses one, once a process. */
export const instructionSets = known.slice(0, known.indexOf(best ?? '') + 1);
