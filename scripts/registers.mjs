// What the assembler says of the kernels' registers, and the most that it may say.
import { spawnSync } from 'node:child_process';

/**
 * The most registers that a kernel may take on any architecture, whatever its types. A multiprocessor has 65,536: of blocks of 256
 * threads it holds 8 with 32 registers a thread, 6 with 40, 5 with 48, 4 with 64, 3 with 80, 2 with 128, and one more register
 * is one block less. Spills are allowed nowhere.
 */
const MOST = {
  // The losses.
  PlainFocalLoss: 80,
  'PlainFocalLoss, real gamma': 128,
  GeneralFocalLoss: 80,
  'GeneralFocalLoss, real gamma': 128,
  CountPositives: 32,
  ReadDivisor: 16,
  DivideByImage: 16,
  RegressionKernel: 72, // 64 but for compute capability 10.0
  'RegressionKernel of boxes': 80,
  SumBoxLoss: 64,
  'SumBoxLoss of boxes': 88, // 2 blocks
  FinishSums: 64, // of blocks of 1024 threads
  // Assignment.
  BoundGroups: 32,
  PlaceBids: 84, // 24 blocks of 32 threads for a grid, 6 of 128 for a list
  Decide: 48,
  SumCounts: 32,
  WriteTargets: 40,
  // Suppression and detections.
  CompareTiles: 40,
  Collect: 80, // a block of 512 threads a set
  Sweep: 48,
  Move: 48,
  CountDigits: 64,
  SumOverTiles: 40,
  PutInOrder: 64,
  CountRanks: 32,
  PutByRank: 32,
  KeyScores: 32,
  Gather: 64,
  WriteKept: 32,
  FindCandidates: 64, // shared memory holds 5 blocks
  ChooseDigit: 48,
  CountChosen: 64,
  SumStretches: 48,
  EmptySlots: 32,
  DecodeCandidates: 40,
  SumDetections: 32,
  WriteDetections: 32,
  KeyRows: 48,
  // One element a thread.
  ClipAll: 32,
  DecodeAll: 32,
  EncodeAll: 32,
  IouOfAll: 32,
  WriteAnchors: 32,
  Probe: 32,
};

/** "PlainFocalLoss<float, 2>" of rn::cuda's mangled names. */
export function demangled(mangled) {
  const { status, stdout } = spawnSync('c++filt', [mangled], { encoding: 'utf8' });
  if (status !== 0) return mangled;
  return stdout
    .trim()
    .replace(/^void /, '')
    .replace(/\(rn::(cuda::)?FocalGamma\)/g, '')
    .replace(/\(anonymous namespace\)::/g, '')
    .replace(/rn::cuda::/g, '')
    .replace(/\(.*/, '');
}

/** The kernels in what `ptxas -v` printed, one an architecture. */
export function kernelsOf(report) {
  const kernels = [];
  for (const line of report.split('\n')) {
    const start = /Compiling entry function '(\S+)' for '(\S+)'/.exec(line);
    if (start) kernels.push({ mangled: start[1], architecture: start[2], registers: 0, spills: 0, shared: 0 });
    const kernel = kernels.at(-1);
    if (!kernel) continue;
    const spills = /(\d+) bytes spill stores, (\d+) bytes spill loads/.exec(line);
    if (spills) kernel.spills = Number(spills[1]) + Number(spills[2]);
    const registers = /Used (\d+) registers/.exec(line);
    if (registers) kernel.registers = Number(registers[1]);
    const shared = /(\d+) bytes smem/.exec(line);
    if (shared) kernel.shared = Number(shared[1]);
  }
  return kernels;
}

/** What is wrong with kernels: sentences, none where all keep to their budgets. */
export function overBudget(kernels) {
  return kernels.flatMap(({ mangled, architecture, registers, spills }) => {
    const name = demangled(mangled);
    const most =
      MOST[
        name
          .replace(/<.*, 3>$/, ', real gamma')
          .replace(/<.*IouLoss>$/, ' of boxes')
          .replace(/<.*/, '')
      ];
    const where = `${name} (${architecture})`;
    if (most === undefined) return [`${where} has no budget of registers in scripts/registers.mjs`];
    return [
      ...(registers > most ? [`${where} takes ${registers} registers, of ${most} that it may`] : []),
      ...(spills > 0 ? [`${where} spills ${spills} bytes`] : []),
    ];
  });
}
