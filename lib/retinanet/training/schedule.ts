/** When a run ends; one of the two is Infinity. */
export interface Limits {
  steps: number;
  /** Of wall-clock time. */
  seconds: number;
}

/** Steps of the whole run: as asked, or as many as the time is enough for at the pace of the first `step`, counted from 0, and it. */
export function stepsWithin({ steps, seconds }: Limits, step: number, elapsedSeconds: number): number {
  if (Number.isFinite(steps)) return steps;
  return Math.max(step + 1, Math.round(((step + 1) * seconds) / Math.max(elapsedSeconds, 1e-3)));
}

/** The warm-up where none is asked for. */
export function defaultWarmupSteps(steps: number): number {
  return Math.min(500, Math.ceil(steps / 10));
}

/** A linear rise to `peak` over the warm-up, then half a cosine down to nothing at the last step. `step` counts from 0. */
export function learningRateAt(step: number, steps: number, warmupSteps: number, peak: number): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
}

/** Decay of the weight average at a step: little memory at first, so that the random start is soon forgotten. */
export function averagingDecay(step: number, decay: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}
