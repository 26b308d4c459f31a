// What is counted in the kernels' machine code, and their budgets of registers.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';

interface Kernel {
  mangled: string;
  architecture: string;
  registers: number;
  spills: number;
  shared: number;
}
interface Registers {
  kernelsOf: (report: string) => Kernel[];
  overBudget: (kernels: Kernel[]) => string[];
}
interface MachineCode {
  functionsOf: (listing: string) => Map<string, { address: number }[]>;
  cheapestWay: (code: { address: number }[], from: number, to?: number, wanted?: [RegExp, number][]) => unknown;
}
const load = (file: string) => import(pathToFileURL(resolve('scripts', file)).href) as Promise<unknown>;

const report = (name: string, registers: number, spills = 0) =>
  `ptxas info    : Compiling entry function '${name}' for 'sm_90'\n` +
  `    0 bytes stack frame, ${spills} bytes spill stores, 0 bytes spill loads\n` +
  `ptxas info    : Used ${registers} registers, used 1 barriers, 1024 bytes smem\n`;

test('a kernel over its budget of registers is named, and so is one that spills or has no budget', async (t) => {
  const { kernelsOf, overBudget } = (await load('registers.mjs')) as Registers;
  const kernels = kernelsOf(report('Decide', 48) + report('Decide', 49) + report('Collect', 20, 8) + report('New', 1));
  t.deepEqual(kernels[0], { mangled: 'Decide', architecture: 'sm_90', registers: 48, spills: 0, shared: 1024 });
  t.deepEqual(overBudget(kernels), [
    'Decide (sm_90) takes 49 registers, of 48 that it may',
    'Collect (sm_90) spills 8 bytes',
    'New (sm_90) has no budget of registers in scripts/registers.mjs',
  ]);
});

// Names are read with c++filt, which comes with the compilers.
const named = process.platform === 'win32' ? test.skip : test;

named('the budget follows what a kernel is made for', async (t) => {
  const { kernelsOf, overBudget } = (await load('registers.mjs')) as Registers;
  const at = (gamma: number, registers: number) => {
    const name = `_ZN2rn4cuda14PlainFocalLossIfLNS0_10FocalGammaE${gamma}EEEvNS0_14FocalArgumentsE`;
    return overBudget(kernelsOf(report(name, registers)));
  };
  t.deepEqual(at(2, 81), ['PlainFocalLoss<float, 2> (sm_90) takes 81 registers, of 80 that it may']);
  t.deepEqual(at(3, 81), []);
  t.deepEqual(at(3, 129), ['PlainFocalLoss<float, 3> (sm_90) takes 129 registers, of 128 that it may']);
});

// A loop of two steps around a choice between a store (4 instructions with its jump) and none, and around a loop of 3.
const LISTING = `
\t\tFunction : Kernel
        /*0000*/                   MOV R0, RZ ;                  /* 0x0 */
                                                                 /* 0x0 */
        /*0010*/              @!P0 BRA 0x50 ;
        /*0020*/                   FADD R1, R1, R2 ;
        /*0030*/                   STG.E.EF.128 desc[UR4][R2.64], R4 ;
        /*0040*/                   BRA 0x60 ;
        /*0050*/                   MUFU.RCP R1, R1 ;
        /*0060*/                   FMUL R1, R1, R1 ;
        /*0070*/                   ISETP.GE.U32.AND P1, PT, R7, 0x3, PT ;
        /*0080*/              @!P1 BRA 0x60 ;
        /*0090*/                   ISETP.NE.AND P0, PT, R8, RZ, PT ;
        /*00a0*/              @!P0 BRA 0x10 ;
        /*00b0*/                   EXIT ;
`;

test('the cheapest way through machine code meets what it must and goes through loops as often as they say', async (t) => {
  const { functionsOf, cheapestWay } = (await load('machine-code.mjs')) as MachineCode;
  const code = functionsOf(LISTING).get('Kernel')!;
  t.is(code.length, 12);
  // Branch and MUFU, three times the inner loop, comparison and branch back.
  t.deepEqual(cheapestWay(code, 0x10, 0xa0), { instructions: 2 + 3 * 3 + 2, alu: 3 + 1, mufu: 1 });
  t.deepEqual(cheapestWay(code, 0x10, 0xa0, [[/STG\.\S*128/, 1]]), {
    instructions: 4 + 3 * 3 + 2,
    alu: 3 + 1,
    mufu: 0,
  });
  t.is(cheapestWay(code, 0x10, 0xa0, [[/STG\.\S*128/, 2]]), undefined);
  t.deepEqual(cheapestWay(code, 0xb0), { instructions: 1, alu: 0, mufu: 0 });
});
