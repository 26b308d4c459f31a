// Settings in a file: what `config.json` of a run holds, and what people write.
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { isMap, isScalar, LineCounter, type Node, parseDocument, type Document } from 'yaml';
import { suggestion } from '../../arguments/describe.js';
import { Check } from '../../arguments/check.js';
import { resolveAugment } from '../data/augment.js';
import { textOf } from '../data/text.js';
import { checkSettings, type SettingName, SETTINGS, type TrainSettings } from './settings.js';

/** The settings of a file, and the data set where it names one. */
export interface TrainConfig extends TrainSettings {
  /** The folder of the data set. */
  data?: string;
}

const NAMES: readonly string[] = ['data', ...Object.keys(SETTINGS)];

/**
 * Reads settings for `trainDetector` from a file of YAML or JSON, such as the `config.json` of a run. Relative paths, of `data` and
 * `weights`, are taken from the folder of the file, and are absolute in the result.
 *
 * @throws RetinanetOpsError naming file and line: `ERR_DATA` for what cannot be read or is neither YAML nor JSON, `ERR_OPTION` for an
 *   unknown name, `ERR_DTYPE`, `ERR_RANGE` or `ERR_OPTION` for a value that does not fit
 */
export async function readTrainConfig(file: string): Promise<TrainConfig> {
  const check = new Check('readTrainConfig');
  check.string('file', file);
  const unreadable = (cause: unknown) =>
    check.fail('ERR_DATA', file, 'a file of settings', `none that can be read (${(cause as Error).message})`, {
      cause,
    });
  const text = await readFile(file).then(textOf).catch(unreadable);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  refuseBroken(check, file, document, lines);
  const keys = new Map<string, number>();
  for (const [name, line] of keysOf(document.contents, lines)) {
    if (!NAMES.includes(name)) {
      check.fail('ERR_OPTION', `${file}:${String(line)}`, 'a known setting', `'${name}'${suggestion(name, NAMES)}`);
    }
    keys.set(name, line);
  }
  const values = (valuesOf(check, file, document) ?? {}) as TrainConfig;
  const placeOf = (name: string) => `${name} (${file}:${String(keys.get(name))})`;
  // A name without a value is as good as none.
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as TrainConfig;
  const settings = checkSettings(check, given, (name: SettingName) => placeOf(name)) as TrainSettings;
  if (given.augment !== undefined && typeof given.augment !== 'boolean')
    resolveAugment(placedCheck(placeOf('augment')), given.augment);
  const folder = await realpath(dirname(file));
  const pathOf = (path: string) => resolve(folder, path);
  if (settings.weights !== undefined) settings.weights = pathOf(settings.weights);
  return given.data === undefined ? settings : { data: pathOf(check.string(placeOf('data'), given.data)), ...settings };
}

/**
 * How `config.json` in a folder names a path: from there, so that both can be moved together and nothing is said of what is above them;
 * in full where they have nothing in common but the root.
 */
export async function pathFrom(folder: string, path: string): Promise<string> {
  const from = await realpath(folder);
  const above = dirname(resolve(path));
  // What a run began with may be gone by the time that it is gone on with.
  const to = join(await realpath(above).catch(() => above), basename(resolve(path)));
  const way = relative(from, to);
  const top = (of: string) => relative(parse(of).root, of).split(sep)[0];
  return isAbsolute(way) || top(from) !== top(to) ? to : way.split(sep).join('/');
}

/** A check whose messages begin with a place. */
function placedCheck(place: string): Check {
  return new Check(`readTrainConfig: ${place}`);
}

function refuseBroken(check: Check, file: string, { errors, contents }: Document, lines: LineCounter): void {
  const [error] = errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    const reason = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
    check.fail('ERR_DATA', `${file}:${String(line)}`, 'YAML or JSON', `text that is neither (${reason})`, {
      cause: error,
    });
  }
  if (contents !== null && !isMap(contents)) check.fail('ERR_DATA', file, 'names and values', 'something else');
}

/** What the document says, with each alias as what it stands for; few aliases can stand for more than there is memory. */
function valuesOf(check: Check, file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    return check.fail('ERR_DATA', file, 'YAML or JSON', `aliases of no use (${(cause as Error).message})`, { cause });
  }
}

function* keysOf(contents: unknown, lines: LineCounter): Iterable<[name: string, line: number]> {
  if (!isMap(contents)) return;
  for (const { key } of contents.items) {
    const [start] = (key as Node).range ?? [0];
    yield [isScalar(key) ? String(key.value) : String(key), lines.linePos(start).line];
  }
}
