// `npm run bench`: checks, then times, every operation beside its peers and beside what the memory allows.
import { Command, InvalidArgumentError } from 'commander';
import { backendInfo, setNumThreads } from 'retinanet-ops';
import { Progress } from '#lib/cli/progress.js';
import type { Case, PeerTiming, Prepared, Settings } from './case.js';
import { allCases } from './cases/index.js';
import { fmaPeak, limitsAvailable, memoryLimits } from './limits.js';
import { measure } from './measure.js';
import { Torchvision } from './peers/torchvision.js';
import { benchTraining } from './training/index.js';
import { trainingTable } from './training/report.js';
import { describeMachine, describeVersions, markdown, table, write, type PeerRow, type Row } from './report.js';

interface Options {
  quick: boolean;
  full: boolean;
  only?: string;
  threads: number;
  json?: string;
  markdown: boolean;
  peers: boolean;
  plot: boolean;
}

function readThreads(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1024) throw new InvalidArgumentError('Expected 1 to 1024.');
  return value;
}

function parse(argv: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description('Checks every operation, then times it beside its peers and beside what the memory allows.')
    .option('--quick', 'smaller inputs, shorter runs: under half a minute', false)
    .option('--full', 'a batch of 16 images and the largest networks: needs 8 GB and half an hour', false)
    .option('--only <pattern>', 'only the cases whose name matches this regular expression')
    .option('--threads <n>', 'threads of an operation', readThreads, backendInfo().numThreads)
    .option('--json <file>', 'where the results go (default: bench/results/<date>.json)')
    .option('--no-peers', 'times nothing but this package')
    .option('--markdown', 'prints the table as Markdown too', false)
    .option('--plot', 'draws how time grows with anchors and boxes to bench/growth.png, and nothing else', false);
  return command.parse(argv).opts<Options>();
}

const perUnit = (timing: { best: number }, count: number) => (timing.best * 1e6) / count;

async function comparePeers(prepared: Prepared, ns: number, threads: number): Promise<PeerRow[]> {
  const rows: PeerRow[] = [];
  for (const { name, measure: measurePeer } of prepared.peers ?? []) {
    const timing: PeerTiming | null = await measurePeer(threads);
    if (timing === null) continue;
    const theirs = perUnit(timing, timing.count);
    rows.push({ name, ...timing, ns: theirs, ratio: theirs / ns });
  }
  return rows;
}

/** Nanoseconds a unit that the machine allows; null where they cannot be measured. */
function limitOf(limit: NonNullable<Prepared['limit']>, count: number, threads: number, quick: boolean): number | null {
  if (limit.kind === 'fma') {
    const gflops = fmaPeak(threads, quick);
    return gflops === null ? null : 1 / gflops;
  }
  const memory = memoryLimits(limit.floats, threads, quick);
  return memory && ((limit.kind === 'read' ? memory.readNs : memory.copyNs) * limit.floats) / count;
}

async function timeCase(
  { name }: Case,
  prepared: Prepared,
  threads: number,
  settings: Settings,
  peers: boolean,
): Promise<Row> {
  setNumThreads(threads);
  const { unit, count, limit, parts } = prepared;
  prepared.run();
  prepared.check();
  const timing = measure(prepared.run, settings.budget);
  const ns = perUnit(timing, count);
  const limitNs = limit ? limitOf(limit, count, threads, settings.quick) : null;
  return {
    ...{ name, threads, unit, count, ...timing, ns },
    limit: limit && limitNs !== null ? { kind: limit.kind, ns: limitNs, share: limitNs / ns } : null,
    ofParts: parts ? timing.best / measure(parts, settings.budget).best : null,
    peers: peers ? await comparePeers(prepared, ns, threads) : [],
  };
}

async function main(): Promise<void> {
  const options = parse(process.argv);
  const { quick, full, threads } = options;
  const settings: Settings = { quick, full, threads, budget: quick ? 0.1 : 1 };
  const torchvision = new Torchvision(settings);
  const skipped = torchvision.python === null ? ['torchvision: no python3 here has it'] : [];
  if (!limitsAvailable) skipped.push('memory limit: retinanet_bench has not been built');
  for (const line of skipped) console.log(`SKIPPED ${line}`);
  if (options.plot) {
    const { plotGrowth } = await import('./growth.js');
    console.log(await plotGrowth(settings, torchvision));
    torchvision.stop();
    return;
  }

  const pattern = new RegExp(options.only ?? '', 'i');
  const cases = allCases(settings).filter(({ name }) => pattern.test(name));
  const total = cases.reduce((sum, each) => sum + (each.threads ?? [threads]).length, 0);
  const progress = new Progress('bench', total, process.stdout);
  const date = new Date().toISOString();
  const rows: Row[] = [];
  for (const each of cases) {
    const prepared = each.prepare(settings, torchvision);
    for (const count of each.threads ?? [threads]) {
      progress.update(rows.length, each.name);
      rows.push(await timeCase(each, prepared, count, settings, options.peers));
    }
  }
  const withPeers = options.peers && torchvision.python !== null;
  const training = await benchTraining(settings, pattern, withPeers, (name) => {
    progress.update(rows.length, name);
  });
  progress.update(rows.length);
  progress.stop();
  torchvision.stop();

  const machine = describeMachine();
  console.log(`\n${machine.cpu}, ${machine.cores} cores, ${machine.instructionSet}; the best of many runs\n`);
  if (rows.length > 0) console.log(table(rows));
  if (rows.length > 0 && options.markdown) console.log(`\n${markdown(rows)}`);
  if (training) console.log(trainingTable(training));
  const versions = describeVersions(torchvision.versions);
  console.log(`\n${write({ date, machine, versions, settings, skipped, rows, training }, options.json)}`);
}

try {
  await main();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
