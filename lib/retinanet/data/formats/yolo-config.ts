// What says which images a YOLO set has and what its classes are called: data.yaml, darknet's obj.data and obj.names, classes.txt.
import { parseDocument } from 'yaml';
import type { SplitName } from '../annotations.js';
import { baseOf, folderOf, joinPath, type DatasetFiles } from '../files.js';
import { refuse, type Warnings } from '../warnings.js';
import { className, linesOf } from './source.js';

export interface YoloConfig {
  /** The file; undefined where only labels were found. */
  file: string | undefined;
  /** Names by class; empty: not said anywhere. */
  names: string[];
  /** The file that says them. */
  namesFile: string | undefined;
  /** Entries of each split: folders, lists or patterns, as written. */
  splits: Partial<Record<SplitName, string[]>>;
  /** What the entries are relative to, as written; '' where that is the file's folder. */
  base: string;
  /** Numbers of a key point's row beyond the box, where labels have key points. */
  keypoints: boolean;
}

const NAMES_FILE = /^(classes|obj|_?darknet|labels|predefined_classes|coco|names)\.(txt|names|labels)$/i;
/** Text files that are no labels. */
export const isNamesFile = (path: string): boolean => NAMES_FILE.test(baseOf(path)) || /\.names$/i.test(path);

/** data.yaml before others, then the one nearest to the top; darknet's obj.data where there is none. */
export async function readYoloConfig(files: DatasetFiles, warnings: Warnings): Promise<YoloConfig> {
  const depth = (path: string) => path.split('/').length + (/^data\.ya?ml$/i.test(baseOf(path)) ? 0 : 100);
  const yamls = files.paths.filter((path) => /\.ya?ml$/i.test(path)).sort((a, b) => depth(a) - depth(b));
  let chosen: YoloConfig | undefined;
  for (const path of yamls) {
    const config = chosen ? undefined : readYaml(path, await files.text(path), warnings);
    if (config) chosen = config;
    else if (chosen && /data/i.test(baseOf(path)))
      warnings.add('file-not-read', { file: path }, `${chosen.file ?? ''} is used`);
  }
  chosen ??= await readDarknet(files);
  chosen ??= { file: undefined, names: [], namesFile: undefined, splits: {}, base: '', keypoints: false };
  return chosen.names.length > 0 ? chosen : { ...chosen, ...(await readNames(files, undefined)) };
}

/**
 * Tells of lists of names, at the top or above labels, in which a class is called otherwise than in the one that is used. What labelImg
 * puts beside every set says nothing of it.
 */
export async function reportOtherNames(
  files: DatasetFiles,
  { names, namesFile }: YoloConfig,
  labels: Iterable<string>,
  warnings: Warnings,
): Promise<void> {
  const folders = new Set(['']);
  for (const label of labels) for (let at = folderOf(label); at !== ''; at = folderOf(at)) folders.add(at);
  for (const file of files.paths.filter(isNamesFile)) {
    const isOther = file !== namesFile && folders.has(folderOf(file)) && !/^predefined_/i.test(baseOf(file));
    if (!isOther || namesFile === undefined) continue;
    const others = await namesIn(files, file);
    const at = others.findIndex(({ text }, i) => text.toLowerCase() !== (names[i] ?? text).toLowerCase());
    if (at < 0) continue;
    const { line, text } = others[at]!;
    warnings.add('class-names-differ', { file, line }, `class ${at} is '${text}', in ${namesFile} '${names[at]!}'`);
  }
}

/** A file that is no data set's configuration, such as a model's, gives undefined. */
function readYaml(path: string, text: string, warnings: Warnings): YoloConfig | undefined {
  let document = parseDocument(text, { uniqueKeys: false, logLevel: 'silent' });
  // "C:\Users" in double quotes is no YAML.
  if (document.errors.length > 0) {
    document = parseDocument(text.replaceAll('\\', '/').replaceAll('\t', ' '), {
      uniqueKeys: false,
      logLevel: 'silent',
    });
  }
  const [error] = document.errors;
  if (error) {
    if (!/^\s*(names|nc|train)\s*:/m.test(text)) return undefined;
    const reason = error.message.split('\n')[0] ?? '';
    refuse({ file: path, line: error.linePos?.[0].line }, 'YAML', `a file that is none (${reason})`, error);
  }
  const data = document.toJS() as Record<string, unknown> | null;
  if (data === null || typeof data !== 'object') return undefined;
  const entries = (value: unknown): string[] =>
    (Array.isArray(value) ? value : [value]).flatMap((one) =>
      typeof one === 'string' && one.trim() !== '' ? [one] : [],
    );
  const splits: YoloConfig['splits'] = {};
  for (const [split, keys] of [
    ['train', ['train', 'training']],
    ['val', ['val', 'valid', 'validation']],
    ['test', ['test', 'testing']],
  ] as const) {
    const found = keys.flatMap((key) => entries(data[key]));
    if (found.length > 0) splits[split] = found;
  }
  if (data.names === undefined && data.nc === undefined) return undefined;
  if (data.names === undefined && Object.keys(splits).length === 0) return undefined;
  const names = namesOf(path, data.names, data.nc, warnings);
  const base = typeof data.path === 'string' ? data.path : '';
  return {
    file: path,
    names,
    namesFile: path,
    splits,
    base,
    keypoints: data.kpt_shape !== undefined && data.kpt_shape !== null,
  };
}

/** A list, or a map from class to name; `nc` where there are no names. */
function namesOf(file: string, names: unknown, nc: unknown, warnings: Warnings): string[] {
  const byClass = new Map<number, string>();
  if (Array.isArray(names)) for (const [i, name] of names.entries()) byClass.set(i, className(String(name)));
  else if (typeof names === 'string') {
    for (const [i, name] of names.split(',').entries()) byClass.set(i, className(name));
  } else if (names !== null && typeof names === 'object') {
    for (const [key, name] of Object.entries(names)) {
      const index = Number(key);
      if (!Number.isInteger(index) || index < 0) refuse({ file }, 'names by class number', `'${key}' in names`);
      byClass.set(index, className(String(name)));
    }
  }
  const said = Number(nc);
  const count = byClass.size === 0 ? (Number.isInteger(said) ? said : 0) : Math.max(...byClass.keys()) + 1;
  if (byClass.size > 0 && nc !== undefined && nc !== null && said !== count) {
    warnings.add('class-count', { file }, `nc is ${said}, names are ${count}`);
  }
  return Array.from({ length: count }, (_, i) => {
    const name = byClass.get(i);
    if (name !== undefined && name !== '') return name;
    warnings.add('class-unnamed', { file }, `class ${i} has no name`);
    return String(i);
  });
}

async function readDarknet(files: DatasetFiles): Promise<YoloConfig | undefined> {
  for (const file of files.paths.filter((path) => /\.data$/i.test(path))) {
    const pairs = linesOf(await files.text(file)).flatMap(({ text }) => {
      const at = text.indexOf('=');
      return at > 0 ? [[text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()] as const] : [];
    });
    const value = new Map(pairs);
    if (!value.has('train') && !value.has('names')) continue;
    const entry = (key: string) => (value.get(key) ? [value.get(key)!] : undefined);
    const splits = { train: entry('train'), val: entry('valid') ?? entry('val'), test: entry('test') };
    return { file, ...(await readNames(files, value.get('names'), file)), splits, base: '', keypoints: false };
  }
  return undefined;
}

/** The names of a file that is named, or of one called classes.txt or the like, of those that tools write beside labels first; a line each. */
async function readNames(
  files: DatasetFiles,
  named: string | undefined,
  beside?: string,
): Promise<Pick<YoloConfig, 'names' | 'namesFile'>> {
  const bases = beside === undefined ? [''] : [folderOf(beside), ''];
  const [found] = named === undefined ? [] : files.locate(named, bases);
  const byName = (path: string) => (/^(classes\.txt|obj\.names|_?darknet\.labels)$/i.test(baseOf(path)) ? 0 : 1);
  const candidates = files.paths
    .filter(isNamesFile)
    .sort((a, b) => byName(a) - byName(b) || a.split('/').length - b.split('/').length);
  const namesFile = found ?? candidates[0];
  if (namesFile === undefined) return { names: [], namesFile };
  return { names: (await namesIn(files, namesFile)).map(({ text }) => text), namesFile };
}

const namesIn = async (files: DatasetFiles, file: string): Promise<{ line: number; text: string }[]> =>
  linesOf(await files.text(file)).map(({ line, text }) => ({ line, text: className(text) }));

/** Where an entry's folders may be: relative to `path:`, to the file, to the top. */
export function basesOf({ file, base }: YoloConfig): string[] {
  const folder = file === undefined ? '' : folderOf(file);
  const plain = base.replaceAll('\\', '/');
  return [...new Set([joinPath(folder, plain), folder, ''])];
}
