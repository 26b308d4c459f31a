// What a benchmark is made of.
import { alignedFloats } from '#lib/runtime/allocate.js';
import { calls, wrongResult } from '../test/operations/driver/calls.js';
import { caseOf } from '../test/operations/driver/cases.js';
import type { Torchvision } from './peers/torchvision.js';

export interface Settings {
  quick: boolean;
  full: boolean;
  /** Threads of every operation, where a case does not say otherwise. */
  threads: number;
  /** Seconds of measuring, a case and a peer. */
  budget: number;
}

export interface Timing {
  /** Milliseconds of one run. */
  best: number;
  median: number;
  runs: number;
}

/** How long a peer takes for what it was given, which may be less than what the case is. */
export interface PeerTiming extends Timing {
  count: number;
  threads: number;
}

export interface Peer {
  name: string;
  /** Null: not to be had here. */
  measure: (threads: number) => Promise<PeerTiming | null>;
}

/** A case with its data in memory. */
export interface Prepared {
  /** What the time is divided by, and how many there are. */
  unit: 'logit' | 'anchor' | 'box' | 'call' | 'FLOP';
  count: number;
  run: () => void;
  /** Throws where the result of a run is wrong. */
  check: () => void;
  /** What memory bounds: so many float32 are at least read, or copied; or what is counted in FLOP, which the vector units bound. */
  limit?: { kind: 'read' | 'copy'; floats: number } | { kind: 'fma' };
  /** The same work by other means of this package. */
  parts?: () => void;
  peers?: Peer[];
}

export interface Case {
  name: string;
  /** Default: the settings'. */
  threads?: number[];
  prepare: (settings: Settings, torchvision: Torchvision) => Prepared;
}

export function fail(sentence: string): never {
  throw new Error(sentence);
}

/** Throws where the result of a call is not what the operation's case in test/operations/cases says. */
export function checkResult(operation: string, args: unknown[], result: unknown): void {
  const wrong = wrongResult(caseOf(operation), args, result);
  if (wrong) fail(`${operation}: ${wrong}`);
}

/** The same of small random calls of the case, where the reference would take minutes for what is timed. */
export function checkSmall(operation: string): void {
  const c = caseOf(operation);
  for (const { title, args } of calls(c, c.rows.edges.length)) {
    const wrong = wrongResult(c, args);
    if (wrong) fail(`${title}: ${wrong}`);
  }
}

/** Values where the native backend's tensors would lie. */
export function asTensor(values: Float32Array): Float32Array {
  const tensor = alignedFloats(values.length);
  tensor.set(values);
  return tensor;
}
