// A child process that runs one scenario of a file beside it and prints 'done'.
import { cuda } from 'retinanet-ops';

/** The device of the highest number: the emulator's second one, or a machine's only one. */
export const lastDevice = (): number => cuda.devices().length - 1;

export async function runScenario(scenarios: Record<string, () => Promise<void> | void>): Promise<void> {
  const scenario = scenarios[process.argv[2] ?? ''];
  if (scenario === undefined) throw new Error(`no scenario ${String(process.argv[2])}`);
  await scenario();
  console.log('done');
}
