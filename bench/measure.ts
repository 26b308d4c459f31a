import type { Timing } from './case.js';

/**
 * Runs until `seconds` have gone by, three times at least, after one run that does not count. The best run is what the code can
 * do: other work on the machine only ever adds to it.
 */
export function measure(run: () => void, seconds: number, atLeast = 3): Timing {
  run();
  const times: number[] = [];
  let total = 0;
  while (times.length < atLeast || (total < 1000 * seconds && times.length < 10_000)) {
    const start = performance.now();
    run();
    const time = performance.now() - start;
    times.push(time);
    total += time;
  }
  times.sort((a, b) => a - b);
  return { best: times[0]!, median: times[times.length >> 1]!, runs: times.length };
}
