// Prints the instruction set in use and what it gets wrong in place.
import { backendInfo } from 'retinanet-ops';
import { inPlaceMismatches } from './in-place.js';

const { instructionSet } = backendInfo().cpu;
process.stdout.write(JSON.stringify({ instructionSet, ...inPlaceMismatches() }));
