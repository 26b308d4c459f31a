// Ctrl-C, for commands that have something to finish.

/**
 * Runs `work` with a signal that the first Ctrl-C aborts; a second one ends the process. Gives what `work` does, undefined where it
 * rejects because it was interrupted.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const stop = new AbortController();
  const interrupt = () => {
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return undefined;
    throw error;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}
