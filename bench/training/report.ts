// What training was measured to be, as tables.
import { digits } from '../report.js';
import type { NetworkKernels, TrainingReport, TrainingRow } from './index.js';

const HEAD = [
  'network',
  'what',
  'threads',
  'ms',
  'GFLOP/s',
  'of peak',
  'MiB',
  'NCHW',
  'MiB',
  'channels_last',
  'MiB',
  'time',
  'memory',
];

function cells(row: TrainingRow): string[] {
  const { NCHW, channels_last } = row.peers;
  const side = (each: TrainingRow | TrainingRow['peers']['NCHW']) =>
    each ? [digits(each.median), each.peakMiB.toFixed(0)] : ['', ''];
  const better = Math.min(NCHW?.median ?? Infinity, channels_last?.median ?? Infinity);
  const least = Math.min(NCHW?.peakMiB ?? Infinity, channels_last?.peakMiB ?? Infinity);
  return [
    ...[row.name.replace('training ', ''), row.what, String(row.threads), digits(row.median), digits(row.gflops)],
    row.ofPeak === null ? '' : `${(100 * row.ofPeak).toFixed(0)} %`,
    row.peakMiB.toFixed(0),
    ...side(NCHW),
    ...side(channels_last),
    better === Infinity ? '' : (row.median / better).toFixed(2),
    least === Infinity ? '' : (row.peakMiB / least).toFixed(2),
  ];
}

function aligned(lines: string[][], left: number): string[] {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line.map((cell, i) => (i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
  text.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  return text;
}

/** Medians, and peaks of resident memory; the ratios are ours over those of PyTorch's better layout. */
export function trainingTable({ rows, kernels, peaks }: TrainingReport): string {
  const text = [
    'training: medians of a step and of a detection; PyTorch in two layouts; time and memory: ours over the better of them',
    ...aligned([HEAD, ...rows.map(cells)], 2),
  ];
  for (const [threads, peak] of Object.entries(peaks))
    text.push(`peak in registers, ${threads} thread(s): ${digits(peak)} GFLOP/s`);
  for (const each of kernels) text.push('', ...kernelTable(each, peaks[each.threads]));
  return text.join('\n');
}

function kernelTable({ name, threads, kernels }: NetworkKernels, peak: number | undefined): string[] {
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const lines = kernels.map(({ name: kernel, shapes, calls, ms, flops }) => [
    ...[kernel, shapes, String(calls), ms.toFixed(2), `${((100 * ms) / total).toFixed(1)} %`],
    flops > 0 ? digits(flops / ms / 1e6) : '',
    flops > 0 && peak !== undefined ? `${((100 * flops) / ms / 1e6 / peak).toFixed(0)} %` : '',
  ]);
  const head = ['kernel', 'shapes', 'calls', 'ms', 'of all', 'GFLOP/s', 'of peak'];
  return [`${name}, forward and backward, ${threads} thread(s), by kernel`, ...aligned([head, ...lines], 2)];
}
