// What `last` holds beside the model: all that a run goes on from, to the bit.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from '../../arguments/check.js';
import { saveRetinaNet } from '../model/io.js';
import type { RetinaNet } from '../model/net.js';
import type { TrainingState } from '../training/training-state.js';
import { replaceFolder, RUN_FILES } from './run-folder.js';

const [STATE_FILE, ARRAYS_FILE] = ['state.json', 'state.bin'];
const ARRAYS = ['weights', 'average', 'firstMoment', 'secondMoment'] as const;

/** Why a run is over; not said of one that goes on when it is resumed. */
export type End = 'done' | 'patience';

/** Where a session stands, besides its training state. */
export interface Standing {
  /** The step of the last validation, 0 before the first. */
  validatedAt: number;
  /** The best AP so far, and its step. */
  best?: { step: number; AP: number };
  /** Validations since then. */
  withoutBetter: number;
  /** Where the run is over. */
  end?: End;
}

interface SavedState extends Standing {
  step: number;
  seconds: number;
  /** Of the data set's annotations. */
  data: string;
  /** Of the arrays' bytes; none before the first step. */
  sha256?: string;
}

export interface Checkpoint {
  standing: Standing;
  /** None before the first step: the model has the initial weights. */
  training: TrainingState | undefined;
  step: number;
  data: string;
}

/** Replaces `last` by the net and the state that belong together. */
export async function writeCheckpoint(
  run: string,
  net: RetinaNet,
  { standing, training, data }: Omit<Checkpoint, 'step'>,
) {
  await replaceFolder(join(run, RUN_FILES.last), async (folder) => {
    await saveRetinaNet(net, folder);
    const saved: SavedState = { step: training?.step ?? 0, seconds: training?.seconds ?? 0, ...standing, data };
    if (training) {
      const bytes = Buffer.concat(ARRAYS.map((name) => bytesOf(training[name])));
      saved.sha256 = sha256(bytes);
      await writeFile(join(folder, ARRAYS_FILE), bytes);
    }
    await writeFile(join(folder, STATE_FILE), `${JSON.stringify(saved, undefined, 2)}\n`);
  });
}

/** @throws RetinanetOpsError `ERR_DATA` naming the file that is missing or damaged */
export async function readCheckpoint(check: Check, run: string): Promise<Checkpoint> {
  const [file, arrays] = [STATE_FILE, ARRAYS_FILE].map((name) => join(run, RUN_FILES.last, name)) as [string, string];
  const fail = (path: string, cause: unknown): never =>
    check.fail('ERR_DATA', path, "a run's state", `none that can be read (${(cause as Error).message})`, { cause });
  let saved: SavedState;
  try {
    saved = JSON.parse(await readFile(file, 'utf8')) as SavedState;
  } catch (cause) {
    return fail(file, cause);
  }
  const { step, seconds, data, sha256: hash, ...standing } = saved;
  if (hash === undefined) return { standing, step: 0, data, training: undefined };
  const bytes = await readFile(arrays).catch((cause: unknown) => fail(arrays, cause));
  if (sha256(bytes) !== hash) check.fail('ERR_DATA', arrays, `the arrays that ${STATE_FILE} was saved with`, 'others');
  const all = new Float32Array(new Uint8Array(bytes).buffer);
  const length = all.length / ARRAYS.length;
  const parts = Object.fromEntries(ARRAYS.map((name, i) => [name, all.slice(i * length, (i + 1) * length)]));
  return { standing, step, data, training: { step, seconds, ...parts } as unknown as TrainingState };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
