import type { Check } from '../../arguments/check.js';
import type { SharedMemory } from './train-shared.js';

/**
 * All that a training run needs to go on: plain numbers and arrays, to be written to a file or sent to another process. The order of
 * the images and their random changes follow from the step and the seed.
 */
export interface TrainingState {
  /** Steps done. */
  step: number;
  /** Wall-clock time of the steps done and of what was called between them, seconds. */
  seconds: number;
  /** [P] trainable weights, one after the other in the model's order. */
  weights: Float32Array;
  /** [P] their moving average. */
  average: Float32Array;
  /** [P] Adam's first moment. */
  firstMoment: Float32Array;
  /** [P] Adam's second moment. */
  secondMoment: Float32Array;
}

/** A run between two of its steps, and after the last: also where it failed, as it was before the step that did. */
export interface TrainingRun {
  /** A copy of all that the run can be continued from, see `resumeFrom`. */
  state(): TrainingState;
  /**
   * Puts the averaged weights into the model of the net, which the run goes on without: for an evaluation, or to save the net. The
   * net has them anyway when the run is over.
   */
  updateModel(): void;
  /** Ends the run: no other step is begun. */
  stop(): void;
}

const ARRAYS = ['weights', 'average', 'firstMoment', 'secondMoment'] as const;

/** `parameters`: P of the model. */
export function checkState(check: Check, argument: string, value: unknown, parameters: number): TrainingState {
  const given = check.fields<TrainingState>(argument, value, ['step', 'seconds', ...ARRAYS]);
  check.number(`${argument}.step`, given.step, { min: 0, integer: true });
  check.number(`${argument}.seconds`, given.seconds, { min: 0 });
  for (const name of ARRAYS) {
    const shape = '(one per trainable weight of the net)';
    check.array('Float32Array', `${argument}.${name}`, given[name], parameters, shape);
  }
  return given;
}

export function takeState(memory: SharedMemory, step: number, seconds: number): TrainingState {
  const [weights, average, firstMoment, secondMoment] = ARRAYS.map((name) => new Float32Array(memory[name]).slice());
  return {
    step,
    seconds,
    weights: weights!,
    average: average!,
    firstMoment: firstMoment!,
    secondMoment: secondMoment!,
  };
}

export function restoreState(memory: SharedMemory, state: TrainingState): void {
  for (const name of ARRAYS) new Float32Array(memory[name]).set(state[name]);
}
