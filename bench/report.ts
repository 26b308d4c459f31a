// What was measured, as a table and as a file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { backendInfo } from 'retinanet-ops';
import type { Prepared, Settings, Timing } from './case.js';
import type { TrainingReport } from './training/index.js';

export interface PeerRow extends Timing {
  name: string;
  threads: number;
  /** How much it was given. */
  count: number;
  ns: number;
  /** Its time for one unit over ours. */
  ratio: number;
}

export interface Row extends Timing {
  name: string;
  threads: number;
  unit: Prepared['unit'];
  count: number;
  /** Nanoseconds a unit, of the best run. */
  ns: number;
  /** The time of the memory or of the vector units for the same, and its share of ours. */
  limit: { kind: 'read' | 'copy' | 'fma'; ns: number; share: number } | null;
  /** Time over that of the separate calls. */
  ofParts: number | null;
  peers: PeerRow[];
}

export interface Report {
  date: string;
  machine: ReturnType<typeof describeMachine>;
  versions: Record<string, string>;
  settings: Settings;
  /** What could not be measured here, and why. */
  skipped: string[];
  rows: Row[];
  training: TrainingReport | null;
}

export function describeMachine() {
  const [first] = cpus();
  const { cpu } = backendInfo();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    instructionSet: cpu.instructionSet ?? 'none',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
  };
}

export function describeVersions(torchvision: string | null): Record<string, string> {
  const require = createRequire(import.meta.url);
  const { version } = require('@tensorflow/tfjs-core/package.json') as { version: string };
  return { node: process.versions.node, tfjs: version, ...(torchvision === null ? {} : { torchvision }) };
}

const PEERS = ['torchvision', 'NCHW', 'channels_last', 'tfjs wasm', 'tfjs cpu'];

/** Those that some row has. */
const peersOf = (rows: readonly Row[]): string[] =>
  PEERS.filter((name) => rows.some(({ peers }) => peers.some((peer) => peer.name === name)));

/** Three digits that mean something. */
export function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells(row: Row, peers: readonly string[]): string[] {
  const peer = (name: string) => row.peers.find((each) => each.name === name);
  return [
    row.name,
    String(row.threads),
    digits(row.unit === 'call' ? row.best / row.count : row.best),
    row.unit === 'FLOP' ? `${digits(1 / row.ns)} GFLOP/s` : `${digits(row.ns)}/${row.unit}`,
    row.limit ? `${(100 * row.limit.share).toFixed(0)} %` : '',
    ...peers.map((name) => {
      const found = peer(name);
      return found ? `${digits(found.ratio)}x` : '';
    }),
  ];
}

export function table(rows: readonly Row[]): string {
  const peers = peersOf(rows);
  const head = ['case', 'threads', 'ms', 'ns', 'of limit', ...peers];
  const lines = [head, ...rows.map((row) => cells(row, peers))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  const parts = rows.filter((row) => row.ofParts !== null);
  const notes = parts.map(
    (row) => `${row.name}: ${row.ofParts!.toFixed(2)} times its parts, assignment and focal loss`,
  );
  return [...text, ...notes].join('\n');
}

/** The same as rows of a Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const peers = peersOf(rows);
  const head = ['case', 'threads', 'ms', 'ns', 'of limit', ...peers];
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'));
  return [head, rule, ...rows.map((row) => cells(row, peers))].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

export function write(report: Report, file: string | undefined): string {
  const path = file ?? join('bench', 'results', `${report.date.slice(0, 19).replaceAll(':', '')}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(report, null, 2) + '\n');
  return path;
}
