// The GPU kit of bench/cuda, which has to work at once on a machine that nobody has prepared: rehearsed on the emulated plugin.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { cpSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LIBRARY } from './support.js';

const KIT = 'bench/cuda';
/** An interpreter with numpy; torch is for the peers alone. */
const python = [process.env['RETINANET_OPS_PYTHON'], '/usr/bin/python3', 'python3'].find(
  (name) => name !== undefined && spawnSync(name, ['-c', 'import numpy']).status === 0,
);
const title = python === undefined ? 'numpy is missing (apt-get install python3-numpy): ' : '';
const withPython = process.platform === 'linux' && python !== undefined ? test : test.skip;
const hasTorch = python !== undefined && spawnSync(python, ['-c', 'import torch, torchvision']).status === 0;

interface Line {
  kind: string;
  step?: string;
  outcome?: string;
  name?: string;
  peer?: string;
  why?: string;
  microseconds?: number;
  limits?: Record<string, number | null>;
}

/** A folder of its own, and run.sh with its results there. */
function kit(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'retinanet-kit-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  /** Puts a program into the folder. */
  const program = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const out = join(folder, 'results');
  const run = (args: string[], environment: NodeJS.ProcessEnv = {}) => {
    const env = { ...process.env, PYTHON: python, RETINANET_OPS_RESULTS: out, ...environment };
    const { status, stdout, stderr } = spawnSync('sh', [`${KIT}/run.sh`, ...args], { encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const lines = (): Line[] => {
    const text = readFileSync(join(out, 'cuda.jsonl'), 'utf8');
    t.true(text.endsWith('\n'));
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  };
  const outcome = (step: string): string | undefined => lines().findLast((line) => line.step === step)?.outcome;
  return { folder, out, program, run, lines, outcome };
}

const REHEARSAL = ['--rehearsal', '--library', LIBRARY];

withPython(`${title}a rehearsal goes through every mode, and what fails on its way ends alone`, (t) => {
  const { folder, out, program, run, lines, outcome } = kit(t);
  // compute-sanitizer runs the program after its options; synccheck finds something.
  program(
    'compute-sanitizer',
    `echo "$@" >> '${folder}/sanitizers'
case " $* " in *" synccheck "*) exit 1 ;; esac
while [ "$1" != "$PYTHON" ]; do shift; done
exec "$@"`,
  );
  // One case crashes.
  const broken = program(
    'python',
    `case " $* " in *" assign-list --library"*) kill -SEGV $$ ;; esac\nexec '${python ?? ''}' "$@"`,
  );
  // Where torch is absent, so are peers.
  mkdirSync(join(folder, 'no-torch'));
  writeFileSync(join(folder, 'no-torch', 'torch.py'), "raise ImportError('no torch here')\n");
  const environment = {
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    PYTHON: broken,
    PYTHONPATH: join(folder, 'no-torch'),
  };
  const { status, stdout } = run(['--only', 'assign', ...REHEARSAL], environment);
  t.is(status, 1);
  t.regex(stdout, /^--- 6 steps ok, 2 absent, 2 failed; results in .*results$/m);
  const well = [
    'layout',
    'check',
    'sanitize-memcheck',
    'sanitize-racecheck',
    'sanitize-initcheck',
    'bench-assign-grid',
  ];
  for (const step of well) t.is(outcome(step), 'ok', step);
  t.is(outcome('sanitize-synccheck'), 'failed (1)');
  t.is(outcome('bench-assign-list'), 'failed (139)');
  t.regex(stdout, /^bench-assign-list: failed \(139\), logs\/bench-assign-list\.log$/m);
  t.is(outcome('bench-assign-grid-torchvision'), 'absent');
  const sanitizers = readFileSync(join(folder, 'sanitizers'), 'utf8');
  for (const options of [
    'memcheck --track-stream-ordered-races all',
    'racecheck --racecheck-report all',
    'synccheck',
    'initcheck',
  ])
    t.regex(sanitizers, new RegExp(`^--tool ${options}.* --error-exitcode 1 `, 'm'));
  const row = lines().find((line) => line.kind === 'row');
  t.regex(row?.name ?? '', /^assign, 2 images x \d+ anchors \(grid\) x 6 boxes$/);
  t.true((row?.microseconds ?? 0) > 0 && (row?.limits?.['copy'] ?? 0) > 0);
  t.regex(lines().find((line) => line.kind === 'absent')?.why ?? '', /torch/);
  const report = JSON.parse(readFileSync(join(out, 'cuda.json'), 'utf8')) as { rows: Line[]; absent: object };
  t.is(report.rows.length, 1);
  t.deepEqual(Object.keys(report.absent), ['torchvision']);
  t.deepEqual(readdirSync(out).sort(), ['cuda.json', 'cuda.jsonl', 'logs']);

  // What was left over is done by a second call, and only that.
  const resumed = run(['bench', '--resume', '--only', 'assign', ...REHEARSAL]);
  t.is(resumed.status, 0, resumed.stdout);
  t.regex(resumed.stdout, /^--- 1 steps ok, 0 absent, 0 failed/m);
  t.is(lines().filter((line) => line.kind === 'row').length, 2);

  // What hangs is ended.
  const hangs = program('python', `case "$*" in *--library*) exec sleep 60 ;; esac\nexec '${python ?? ''}' "$@"`);
  t.is(run(['bench', '--only', 'assign-grid', ...REHEARSAL], { PYTHON: hangs, STEP_SECONDS: '2' }).status, 1);
  t.is(outcome('bench-assign-grid'), 'ended after 2 s');
});

/** Cases, or cases and peers, as bench.py lists them: the steps of the kit. */
const stepsOf = (...more: string[]): string[] =>
  spawnSync(python ?? '', [`${KIT}/bench.py`, '--list', ...more], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
    .map((line) => `bench-${line.trim().replace(' ', '-')}`);

withPython(`${title}every case is checked and timed`, (t) => {
  const { run, lines } = kit(t);
  const { status, stdout } = run(['bench', '--jobs', '2', ...REHEARSAL]);
  t.is(status, 0, stdout);
  const steps = lines().filter((line) => line.kind === 'step');
  t.true(steps.length > 10);
  t.deepEqual(steps.map((line) => line.step).sort(), stepsOf().sort());
  const rows = lines().filter((line) => line.kind === 'row');
  t.true(rows.length >= steps.length);
  for (const { name, microseconds } of rows) t.true((microseconds ?? 0) > 0, name);
});

const withTorch = hasTorch ? withPython : test.skip;
withTorch(`${hasTorch ? '' : 'PyTorch is missing: '}a peer computes the same, and is timed`, (t) => {
  const { run, lines, outcome } = kit(t);
  const step = 'bench-decode-torchvision';
  t.true(stepsOf('--peers').includes(step));
  const { status, stdout } = run(['peers', '--only', step.slice('bench-'.length), ...REHEARSAL]);
  t.is(status, 0, stdout);
  t.is(outcome(step), 'ok');
  const [peer, ...others] = lines().filter((line) => line.kind === 'peer');
  t.is(others.length, 0);
  t.is(peer?.peer, 'torchvision');
  t.true((peer?.microseconds ?? 0) > 0);
});

withPython(`${title}a mode that nobody knows is refused with what there is, and so is half an option`, (t) => {
  const { run } = kit(t);
  for (const args of [['sanitise'], ['--oops'], ['--out'], ['bench', 'check']]) {
    const { status, stderr } = run(args);
    t.is(status, 2, args.join(' '));
    t.regex(stderr, /MODE: all \(default\), or one of\n {4}build/);
  }
});

withPython(`${title}a mode ends when its time is over, and names what it has not run`, (t) => {
  const { run, outcome } = kit(t);
  const { status, stdout } = run(['bench', '--only', 'focal-float32', ...REHEARSAL], { MODE_SECONDS: '0' });
  t.is(status, 1);
  t.is(outcome('bench-focal-float32-lean'), "not run: the mode's time is over");
  t.regex(stdout, /^--- 0 steps ok, 0 absent, 2 failed/m);
});

withPython(`${title}structs and numbers are read from the headers, and the compiler lays them out alike`, (t) => {
  const { folder } = kit(t);
  const read = (headers: string, then: string) =>
    spawnSync(python ?? '', ['-c', `import sys; sys.path.insert(0, '${KIT}'); import header; ${then}`, headers], {
      encoding: 'utf8',
    });
  const proof = read('native/backend', 'print(header.assertions(header.read(sys.argv[1])))');
  t.is(proof.status, 0, proof.stderr);
  t.true((proof.stdout.match(/_Static_assert/g) ?? []).length > 300);
  const compile = (text: string, folderOfHeaders: string) =>
    spawnSync('cc', ['-fsyntax-only', '-x', 'c', `-I${folderOfHeaders}`, '-'], { input: text, encoding: 'utf8' });
  t.is(compile(proof.stdout, 'native/backend').status, 0);

  // A field that changes its size moves those after it, here and there; proofs of other headers do not compile.
  const copy = join(folder, 'backend');
  for (const name of ['backend', 'math']) cpSync(`native/${name}`, join(folder, name), { recursive: true });
  const change = (file: string, from: string | RegExp, to: string) => {
    const text = readFileSync(join(copy, file), 'utf8');
    t.regex(text, new RegExp(from));
    writeFileSync(join(copy, file), text.replace(from, to));
  };
  change('values.h', 'int32_t device;  //', 'int64_t device;  //');
  change('backend.h', /#define RN_ABI_VERSION \d+/, '#define RN_ABI_VERSION 1234');
  const other = read(copy, 'print(header.assertions(header.read(sys.argv[1])))').stdout;
  t.is(compile(other, copy).status, 0);
  t.not(compile(proof.stdout, copy).status, 0);
  t.is(read(copy, "print(header.read(sys.argv[1]).numbers['RN_ABI_VERSION'])").stdout.trim(), '1234');

  // What the parser does not know it refuses, by file and line.
  for (const [line, complaint] of [
    ['typedef struct { unsigned bits; } odd;', /odd\.h:2: expected a known type .*'unsigned'/],
    ['typedef struct { int32_t bits : 3; } odd;', /odd\.h:2: cannot read ': 3/],
    ['typedef union { int32_t a; float b; } odd;', /odd\.h:2: expected a known type .*'union'/],
    ['typedef struct { int32_t size[2 + 2]; } odd;', /odd\.h:2: cannot read '\+/],
    ['typedef struct { rn_unheard_of* x; } odd;', /odd\.h:2: expected a known type .*'rn_unheard_of'/],
    ['int32_t global;', /odd\.h:2: expected 'typedef', found 'int32_t'/],
  ] as const) {
    writeFileSync(join(copy, 'odd.h'), `#include <stdint.h>\n${line}\n`);
    t.regex(read(copy, "header.read(sys.argv[1], ('odd.h',))").stderr, complaint);
  }
  const unknown = read('native/backend', "header.read(sys.argv[1]).structs['rn_nms'](box=1)");
  t.regex(unknown.stderr, /TypeError: rn_nms has no box/);
});
