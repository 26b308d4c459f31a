// `npm run count:cuda [-- FILE.cu ...]`: what the machine code of the CUDA kernels says without a GPU, from nvcc and cuobjdump (on the
// PATH, or named by CUOBJDUMP). Of every kernel registers, spills and shared memory; of the focal loss' main loop instructions a
// logit, on the ways that logits take: "lean", where a warp has background logits below 0 alone; "mixed", where some are above; "marked",
// where there is a row's class or an ignored row among them. ALU and MUFU are those that go to the pipes of half and of an eighth of
// the rate, so that a scheduler needs max(instructions, 2 ALU, 8 MUFU) cycles for 32 logits. RETINANET_OPS_CUDA_ARCHITECTURES chooses another architecture than 90.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cheapestWay, functionsOf, loopsOf, plus, zero } from './machine-code.mjs';
import { demangled, kernelsOf } from './registers.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const architecture = (process.env.RETINANET_OPS_CUDA_ARCHITECTURES ?? '90').replace(/-.*/, '');
const build = join(root, 'build', 'cuda', `counts-${architecture}`);

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    ...options,
  });
  if (error) {
    console.error(`\nretinanet-ops: could not run ${command}: ${error.message}\n`);
    process.exit(1);
  }
  if (status !== 0) {
    process.stderr.write(stdout + stderr);
    process.exit(1);
  }
  return stdout + stderr;
}

/** The project's own command for a source, making machine code for one architecture and nothing else. */
function compile(source) {
  const commands = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'));
  const found = commands.find(({ file, command }) => basename(file) === source && / -x cu /.test(command));
  if (!found) {
    console.error(`\nretinanet-ops: native/cuda has no ${source}\n`);
    process.exit(1);
  }
  const cubin = join(build, `${basename(source, '.cu')}.cubin`);
  const command = found.command
    .replace(/ -o \S+/, ` -o ${cubin}`)
    .replace(/ -c /, ' -cubin ')
    .replace(/ -MD .*? -x cu/, ' -x cu');
  const report = run('sh', ['-c', command], { cwd: found.directory });
  return { report, functions: functionsOf(run(process.env.CUOBJDUMP ?? 'cuobjdump', ['-sass', cubin])) };
}

// Of a thread and step, and steps of a thread by bytes of a logit (native/cuda/focal_arguments.h).
const LOGITS = 16;
const STEPS = { 2: 16, 4: 4 };

/** The ways through PlainFocalLoss, whose main loop is around the votes on what a warp has; `bytes` of a logit. */
function focalWays(code, bytes) {
  const at = (address) => code.findIndex((instruction) => instruction.address === address);
  const votes = code.flatMap(({ name }, index) => {
    if (name !== 'VOTE.ALL') return [];
    const branch = code.findIndex(({ target }, i) => i > index && target !== undefined);
    const [jump, next] = [code[branch].target, code[branch + 1].address];
    return [{ branch: code[branch].address, ways: code[branch].text.startsWith('@!') ? [next, jump] : [jump, next] }];
  });
  const around = loopsOf(code).filter(([head, latch]) =>
    votes.every(({ branch }) => head <= branch && branch <= latch),
  );
  const [head, latch] = around.sort((a, b) => a[1] - a[0] - (b[1] - b[0]))[0];
  const runs = (LOGITS * bytes) / 16;
  const loads = [/LDG\.\S*128/, runs];
  // Of a thread that marks one row, a background one, and is not the first of its block.
  const outside = plus(
    cheapestWay(code, 0, head, [loads, [/LDG\.E R/, 1]]),
    cheapestWay(code, code[at(latch) + 1].address),
  );

  const lines = [];
  let before = zero;
  let from = head;
  const way = (kind, start) => {
    for (const [what, stores] of [
      ['value + gradient', runs],
      ['value', 0],
    ]) {
      const wanted = [loads, [/MUFU\.RCP /, LOGITS], [/STG\.\S*128/, stores], [/STG\.(?!\S*128)/, 0]];
      const step = cheapestWay(code, start, latch, wanted);
      const each = (key) =>
        (step ? (before[key] + step[key] + outside[key] / STEPS[bytes]) / LOGITS : NaN).toFixed(1).padStart(6);
      lines.push(`  ${kind.padEnd(7)}${what.padEnd(18)}${each('instructions')}${each('alu')}${each('mufu')}`);
    }
  };
  for (const [index, { branch, ways }] of votes.entries()) {
    before = plus(before, cheapestWay(code, from, branch));
    way(['lean', 'mixed'][index], ways[0]);
    from = ways[1];
  }
  way('marked', from);
  return lines;
}

const sources = process.argv.slice(2).map((file) => basename(file));
mkdirSync(build, { recursive: true });
run('cmake', [
  ...['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DRETINANET_OPS_CUDA=ON'],
  `-DCMAKE_CUDA_ARCHITECTURES=${architecture}-real`,
]);
const all = JSON.parse(readFileSync(join(build, 'compile_commands.json'), 'utf8'))
  .filter(({ command }) => / -x cu /.test(command))
  .map(({ file }) => basename(file));
for (const source of sources.length > 0 ? sources : all) {
  const { report, functions } = compile(source);
  const kernels = kernelsOf(report);
  if (kernels.length > 0)
    console.log(`\n${source}, compute capability ${architecture}; per logit: instructions, of them ALU and MUFU`);
  for (const { mangled, registers, spills, shared } of kernels) {
    const name = demangled(mangled);
    const code = functions.get(mangled);
    console.log(
      `${name}: ${registers} registers, ${spills} bytes spilled, ${shared} bytes shared, ${code.length} instructions`,
    );
    if (name.startsWith('PlainFocalLoss')) {
      for (const line of focalWays(code, name.includes('<float') ? 4 : 2)) console.log(line);
    }
  }
}
