// Runs that are missing, several at a time, each in a process of its own: at these sizes two threads are far from twice as fast as one.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Folders } from './data-sets.js';
import { type Asked, readRun, type RunResult, writeRun } from './run-files.js';
import type { Task } from './worker.js';

const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));

export interface Jobs {
  folder: string;
  folders: Folders;
  count: number;
  onResult: (result: RunResult, left: number) => void;
}

/** Writes the file of each run that has none. */
export async function runMissing(all: readonly Asked[], jobs: Jobs): Promise<void> {
  const queue = all.filter((asked) => readRun(jobs.folder, asked) === undefined);
  const count = Math.min(jobs.count, queue.length);
  let left = queue.length;
  const takeOthers = async () => {
    const child = fork(WORKER);
    try {
      for (let asked = queue.shift(); asked; asked = queue.shift()) {
        if (readRun(jobs.folder, asked)) continue; // another process on the same folder was faster
        const result = await trained(child, { asked, folders: jobs.folders, jobs: jobs.count });
        writeRun(jobs.folder, result);
        jobs.onResult(result, --left);
      }
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: count }, takeOthers));
}

function trained(child: ChildProcess, task: Task): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const onExit = () => {
      reject(new Error(`the run ${JSON.stringify(task.asked)} ended`));
    };
    child.once('exit', onExit);
    child.once('message', (result) => {
      child.off('exit', onExit);
      resolve(result as RunResult);
    });
    child.send(task);
  });
}
