// Ctrl-C, for commands that have something to finish.
import { INTERRUPTED } from './run.js';

/** Launchers such as npx pass on a signal that the terminal has sent to every program already: so soon after it is the same Ctrl-C. */
export const SAME_MS = 1000;

/** What ends a process that has something to finish. */
export const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs `work` with a signal that the first Ctrl-C (or SIGTERM) aborts; a second one ends the process. Gives what `work` does, undefined where it
 * rejects because it was interrupted.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  let at = 0;
  const interrupt = () => {
    if (stop.signal.aborted && performance.now() - at >= SAME_MS) process.exit(INTERRUPTED);
    if (stop.signal.aborted) return;
    at = performance.now();
    stop.abort();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return undefined;
    throw error;
  } finally {
    // A launcher's copy may come when the work is over already: it must not end what is left to say.
    if (!stop.signal.aborted) for (const signal of SIGNALS) process.removeListener(signal, interrupt);
  }
}
