// One process at a time works on the folder of a run.
import { randomUUID } from 'node:crypto';
import { constants, copyFileSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../../arguments/check.js';
import { renameWhenFree } from '../rename.js';

export const LOCK = 'lock';

interface Owner {
  pid: number;
  host: string;
  /** What tells the process from a later one of the same number, where the system says it. */
  started: string | undefined;
  /** Of this lock. */
  id: string;
}

/**
 * Takes the lock of a folder; one whose process is gone counts for nothing.
 *
 * @returns gives it back
 * @throws RetinanetOpsError `ERR_DATA` naming the process that has it
 */
export function lockFolder(check: Check, argument: string, folder: string): () => void {
  const path = join(folder, LOCK);
  const own: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid), id: randomUUID() };
  const mine = `${path}.${own.id}`;
  try {
    writeFileSync(mine, `${JSON.stringify(own)}\n`);
  } catch (cause) {
    check.fail('ERR_DATA', argument, 'a folder that can be written to', (cause as Error).message, { cause });
  }
  try {
    while (!linked(mine, path)) {
      const owner = readOwner(path);
      if (owner && isRunning(owner)) {
        const who = `process ${String(owner.pid)}${owner.host === own.host ? '' : ` on ${owner.host}`}`;
        const help = owner.host === own.host ? '' : ` (if that is over, remove ${path})`;
        check.fail(
          'ERR_DATA',
          argument,
          'a run that no other process works on',
          `${folder}, on which ${who} does${help}`,
        );
      }
      takeAway(path, owner);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (readOwner(path)?.id === own.id) rmSync(path, { force: true });
  };
}

/** Codes of file systems that have no second names: FAT, exFAT (EISDIR on Windows), and some of networks. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR'];

/** Gives the file that name as well, or a copy of it, unless the name is taken: of two processes one succeeds. */
function linked(file: string, name: string): boolean {
  return isNew(() => {
    try {
      linkSync(file, name);
    } catch (error) {
      if (!WITHOUT_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      copyFileSync(file, name, constants.COPYFILE_EXCL);
    }
  });
}

/** Whether the name was free that is made. */
function isNew(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock that is stale, unless it has become another one's in the meantime. */
function takeAway(path: string, stale: Owner | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameWhenFree(path, aside);
  } catch {
    return; // another process was faster
  }
  const taken = readOwner(aside);
  if (taken && taken.id !== stale?.id) linked(aside, path);
  rmSync(aside, { force: true });
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner | null;
    return typeof owner?.pid === 'number' && typeof owner.id === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process is there; on another machine that cannot be told, and it is taken to be. */
function isRunning({ pid, host, started }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return started === undefined || startOf(pid) === started;
}

/** Linux says in which boot and at which tick of it a process began. */
function startOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // Fields count from the name's closing parenthesis, which the name may hold as well.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  } catch {
    return undefined;
  }
}
