// The folder of a run: what lies in it, and how it is changed so that it is whole whenever a process ends.
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '../../arguments/check.js';
import { makeFolder } from '../make-folder.js';
import { renameWhenFree } from '../rename.js';
import { writeTogether } from '../write-together.js';
import { EVENT_FILE } from './event-file.js';
import { LOCK } from './lock.js';

/** Names in the folder of a run. */
export const RUN_FILES = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  best: 'best',
  last: 'last',
  evaluation: 'evaluation.json',
} as const;

/** Tried again where another program has a file of it open, on Windows. */
const REMOVE = { recursive: true, force: true, maxRetries: 5 } as const;

/** What is being written, what is complete but not yet in its place, and what it replaces. */
const STAGES = { writing: '.writing', next: '.next', former: '.former' } as const;
const STAGE = new RegExp(
  `^(${[...Object.values(RUN_FILES), 'report.html'].join('|')})(\\.[\\da-f-]+\\.tmp|\\.writing|\\.next|\\.former)$`,
);
const isStage = (name: string) => STAGE.test(name);

/**
 * Refuses a folder that holds anything, unless it is what a process left that was ended before its run had begun.
 *
 * @throws RetinanetOpsError `ERR_DATA`
 */
export async function requireFree(check: Check, folder: string): Promise<void> {
  const what = await stat(folder).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return check.fail('ERR_DATA', 'out', 'a folder that can be made', (cause as Error).message, { cause });
  });
  if (what === undefined) return;
  if (!what.isDirectory()) check.fail('ERR_DATA', 'out', 'a folder that is new or empty', `the file ${folder}`);
  const names = await readdir(folder);
  if (names.includes(RUN_FILES.last) || names.includes(`${RUN_FILES.last}${STAGES.next}`)) {
    const received = `${folder}, which holds a run: resume it, or choose another folder`;
    check.fail('ERR_DATA', 'out', 'a folder that is new or empty', received);
  }
  const early: string[] = [LOCK, RUN_FILES.config, RUN_FILES.metrics];
  const isEarly = (name: string) =>
    early.includes(name) || isStage(name) || name.startsWith(`${LOCK}.`) || name.startsWith(EVENT_FILE);
  const others = names.filter((name) => !isEarly(name));
  if (others.length === 0) return;
  check.fail('ERR_DATA', 'out', 'a folder that is new or empty', `${folder}, which holds ${others[0]!}`);
}

/** @throws RetinanetOpsError `ERR_DATA` for what is no folder of a run */
export async function requireRun(check: Check, folder: string): Promise<void> {
  const isThere = await stat(join(folder, RUN_FILES.config)).then(
    () => true,
    () => false,
  );
  if (!isThere) check.fail('ERR_DATA', 'folder', 'the folder of a run', `${folder}, which has no ${RUN_FILES.config}`);
}

/** Writes a folder anew, as a whole: it is the former one or the new one for whoever opens it, whenever the process ends. */
export async function replaceFolder(path: string, write: (folder: string) => Promise<void>): Promise<void> {
  const folder = `${path}${STAGES.writing}`;
  await rm(folder, REMOVE);
  await makeFolder(folder);
  await write(folder);
  for (const name of await readdir(folder)) await sync(join(folder, name));
  renameWhenFree(folder, `${path}${STAGES.next}`);
  await putInPlace(path);
}

/** Takes a complete folder's place; what a process that ended on the way did of it is done already. */
async function putInPlace(path: string): Promise<void> {
  const former = `${path}${STAGES.former}`;
  await rm(former, REMOVE);
  renameIfThere(path, former);
  renameWhenFree(`${path}${STAGES.next}`, path);
  await rm(former, REMOVE);
}

/** Finishes what a process that ended had begun, and clears away what it left. */
export async function recoverFolders(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of [RUN_FILES.last, RUN_FILES.best]) {
    if (names.includes(`${name}${STAGES.next}`)) await putInPlace(join(folder, name));
  }
  for (const name of await readdir(folder)) {
    if (isStage(name)) await rm(join(folder, name), REMOVE);
  }
}

/** Writes a file of JSON as a whole. */
export async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await writeTogether(folder, [[name, `${JSON.stringify(value, undefined, 2)}\n`]]);
}

function renameIfThere(from: string, to: string): void {
  try {
    renameWhenFree(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
