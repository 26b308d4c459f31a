// What a case says of its operation, and nothing about how it is checked: the driver does that in every way there is.
import type { ErrorCode } from 'retinanet-ops';
import type { Tolerance } from '../../support/compare.js';

export type Next = () => number;

/** What is wrong in the example, by the index of the argument or by options; the error's code, and what its message names. */
export type BadCall =
  | [index: number, value: unknown, code: ErrorCode, message: RegExp]
  | [options: object, code: ErrorCode, message: RegExp];

/** One public operation. Paths lead through its arguments and options: '0', '2.weights', '0.groundTruth.boxes'. */
export interface Case<Args extends unknown[] = unknown[]> {
  name: string;
  /** It has no `backend` to choose, and no form on tensors, of a device or of TensorFlow.js, which has one itself. */
  cpuOnly?: true;
  /** The names of all options but `backend`. */
  options: readonly string[];
  /** Sizes around which code changes its way, tried in turn; and one that several threads share. */
  rows: { edges: readonly number[]; large: number };
  /** How many random calls are compared with the reference (default 60). */
  rounds?: number;
  /** Random arguments of so many rows, options last: settings are drawn too. */
  inputs(next: Next, rows: number): Args;
  /** Options with each of which a call is made: the reductions of losses. */
  variants?(...args: Args): readonly object[];
  /** The right result, in float64 where float32 rounds. Of an object, what is left out is not compared. */
  reference(...args: Args): unknown;
  /** How near: of each array of the result by its name, '' where the result is one array. Default: to the bit. */
  tolerance?(key: string, ...args: Args): Tolerance;
  /** The output arrays by their path in the options, and the operand that each may be. */
  outputs?(...args: Args): Record<string, string | null>;
  /** The value in the result that is differentiated, and by the path of which operand each gradient in the result is. */
  gradients?: {
    of: string;
    by: Record<string, string>;
    /** The reference at `moved`, but for what the gradient takes for a constant: that is worked out at `at`. */
    around?(at: Args, moved: Args): unknown;
  };
  /** Shapes by path of what may be tensors. */
  shapes(...args: Args): Record<string, number[]>;
  /** Small valid arguments, made anew each time, of which `bad` spoils one. */
  example(): Args;
  bad: readonly BadCall[];
}

/** Infers the types of the arguments. */
export function operationCase<Args extends unknown[]>(of: Case<Args>): Case {
  return of;
}
