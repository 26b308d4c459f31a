// A process that trains what it is told to, a run after the other.
import { availableParallelism } from 'node:os';
import { type AnnotatedDataset, useNativeBackend } from 'retinanet-ops/retinanet';
import { DATA_SETS, type Folders, openDataSet } from './data-sets.js';
import { EXPERIMENTS } from './experiments.js';
import { train } from './run.js';
import type { Asked } from './run-files.js';

export interface Task {
  asked: Asked;
  folders: Folders;
  /** Processes that share the machine. */
  jobs: number;
}

const opened = new Map<string, AnnotatedDataset>();

async function work({ asked, folders, jobs }: Task): Promise<void> {
  const data = DATA_SETS.find(({ name }) => name === asked.dataSet)!;
  const experiment = EXPERIMENTS.find(({ id }) => id === asked.experiment)!;
  const dataset = opened.get(data.name) ?? (await openDataSet(data, folders));
  opened.set(data.name, dataset);
  const threads = Math.max(1, Math.floor(availableParallelism() / jobs));
  process.send!(await train({ asked, experiment, data, dataset, threads }));
}

await useNativeBackend();
process.on('message', (task: Task) => {
  work(task).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit());
