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
