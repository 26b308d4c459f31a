// What a benchmark is made of.
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
  unit: 'logit' | 'anchor' | 'box' | 'call';
  count: number;
  run: () => void;
  /** Throws where the result of a run is wrong. */
  check: () => void;
  /** What memory bounds: so many float32 are at least read, or copied. */
  limit?: { kind: 'read' | 'copy'; floats: number };
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
