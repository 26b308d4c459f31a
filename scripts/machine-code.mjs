// NVIDIA machine code as cuobjdump prints it: its kernels, its loops, and what the cheapest way through one costs.

/**
 * @typedef {{ address: number, text: string, name: string, target: number | undefined, conditional: boolean }} Instruction
 * @typedef {{ instructions: number, alu: number, mufu: number }} Cost
 */

/** Throughput on compute capability 9.0, by NVIDIA's table: four schedulers an SM, each with 16 lanes for these and 4 for MUFU. */
const ALU =
  /^(U?ISETP|FSETP|IADD3|LOP3|PLOP3|SHF|SEL|FSEL|FMNMX|IMNMX|VIMNMX|VIADD|VOTE|PRMT|LEA|F2FP|I2FP|FLO|POPC|IABS|MOV|HSET2|HMNMX2)\b/;
const MUFU = /^(MUFU|F2F|I2F|F2I)\b/;

export const zero = { instructions: 0, alu: 0, mufu: 0 };
export const plus = (a, b, times = 1) => ({
  instructions: a.instructions + times * b.instructions,
  alu: a.alu + times * b.alu,
  mufu: a.mufu + times * b.mufu,
});
const costOf = ({ name }) => ({ instructions: 1, alu: ALU.test(name) ? 1 : 0, mufu: MUFU.test(name) ? 1 : 0 });

/** The functions in the output of `cuobjdump -sass`, by name. @returns {Map<string, Instruction[]>} */
export function functionsOf(listing) {
  const functions = new Map();
  let code;
  for (const line of listing.split('\n')) {
    const start = /^\s+Function : (\S+)/.exec(line);
    if (start) functions.set(start[1], (code = []));
    const found = /^\s+\/\*([0-9a-f]{4,})\*\/\s+(.*?)\s*;/.exec(line);
    if (!found || !code) continue;
    const text = found[2];
    const [, predicate, name] = /^(@!?U?P\w+ +)?(\S+)/.exec(text);
    const jumps = /^(BRA|JMP)\b/.test(name) && !name.startsWith('BRA.DIV');
    code.push({
      address: parseInt(found[1], 16),
      text,
      name,
      target: jumps ? parseInt(/0x([0-9a-f]+)$/.exec(text)[1], 16) : undefined,
      conditional: predicate !== undefined || (jumps && /^\S+ !?U?P\d/.test(text)),
    });
  }
  return functions;
}

/** Loops as [head, latch], by the addresses of their first instruction and of the branch back. */
export function loopsOf(code) {
  return code.filter((i) => i.target !== undefined && i.target < i.address).map((i) => [i.target, i.address]);
}

/** How often a loop runs that counts from 0 to a constant, as its last comparison says; 1 where none is found. */
function tripsOf(code, latch) {
  const at = code.findIndex((i) => i.address === latch);
  const counter = /ISETP\.(GE|NE|GT)\S* \w+, PT, \w+, 0x(\d+), PT/.exec(code[at - 1].text);
  return counter ? parseInt(counter[2], 16) + (counter[1] === 'GT' ? 1 : 0) : 1;
}

/**
 * The cheapest way from one instruction to another, or to the end, that meets exactly as many instructions of each kind as `wanted` says (patterns
 * by count), or undefined. Loops on the way are gone through as often as they say.
 */
export function cheapestWay(code, from, to = undefined, wanted = []) {
  const at = new Map(code.map((instruction, index) => [instruction.address, index]));
  const loops = new Map(loopsOf(code).map(([head, latch]) => [latch, head]));
  const open = [{ index: at.get(from), met: wanted.map(() => 0), cost: zero }];
  const closed = new Set();
  while (open.length > 0) {
    let best = 0;
    for (let i = 1; i < open.length; ++i) if (open[i].cost.instructions < open[best].cost.instructions) best = i;
    const [state] = open.splice(best, 1);
    const key = `${state.index} ${state.met}`;
    if (closed.has(key)) continue;
    closed.add(key);
    const instruction = code[state.index];
    if (!instruction) continue;
    const met = wanted.map(([kind], i) => state.met[i] + (kind.test(instruction.text) ? 1 : 0));
    if (met.some((count, i) => count > wanted[i][1])) continue;
    let cost = plus(state.cost, costOf(instruction));
    const callee = /^CALL\.REL\.NOINC 0x([0-9a-f]+)$/.exec(instruction.text);
    if (callee) cost = plus(cost, cheapestWay(code, parseInt(callee[1], 16)));
    if (instruction.address === to) {
      if (met.every((count, i) => count === wanted[i][1])) return cost;
      continue;
    }
    if (/^(EXIT|RET)/.test(instruction.name)) {
      if (to === undefined) return cost;
      if (!instruction.conditional) continue;
    }
    const head = loops.get(instruction.address);
    if (head !== undefined && head > from && instruction.conditional) {
      const once = cheapestWay(code, head, instruction.address);
      if (once) cost = plus(cost, once, tripsOf(code, instruction.address) - 1);
    } else if (instruction.target !== undefined) {
      open.push({ index: at.get(instruction.target), met, cost });
    }
    if (instruction.target === undefined || instruction.conditional) open.push({ index: state.index + 1, met, cost });
  }
  return undefined;
}
