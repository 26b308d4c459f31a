/** Work on files at a time: more than the disk and the decoders need, fewer than a process may open. */
const AT_ONCE = 16;

/** Awaits a call for every item, a few at a time. The first failure ends it. */
export async function eachOf<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}
