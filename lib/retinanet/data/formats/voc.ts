// Pascal VOC: an XML file an image, in VOCdevkit's folders or any others.
import { folderOf, nearest, stemOf } from '../files.js';
import type { Warnings } from '../warnings.js';
import { eachOf } from '../bounded.js';
import { nameKey, pair, reportBare, type Chosen, type Damage, type ImageAnnotation } from './pairs.js';
import { splitOfPath, type Reading, type Source } from './source.js';
import { findLists, readLists, type Listed } from './voc-lists.js';
import { readVocXml } from './voc-xml.js';

export async function readVoc({ files, warnings }: Reading): Promise<Source> {
  const xmls = files.paths.filter((path) => /\.xml$/i.test(path));
  const lists = findLists(files, () => false);
  const listed = await readLists(files, lists);
  const chosen = listed.length > 0 ? choose(xmls, listed, warnings) : unlisted(xmls);
  const annotations = new Map<string, ImageAnnotation | Damage>();
  await eachOf([...new Set(chosen.map(({ path }) => path))], async (xml) => {
    annotations.set(xml, readVocXml(xml, await files.text(xml)));
  });
  const { images, claimed } = pair(files, chosen, annotations, warnings);
  const missing = listed.map(({ name }) => name.normalize('NFC').toLowerCase());
  reportBare(files, claimed, new Set([...xmls.map(nameKey), ...missing]), 'XML', warnings);
  const classes = [...new Set(images.flatMap(({ boxes }) => boxes.map((box) => box.class)))].sort();
  return { format: 'voc', classes, images, shares: false };
}

const unlisted = (xmls: readonly string[]): Chosen[] =>
  xmls.map((path) => ({ path, split: splitOfPath(folderOf(path)) }));

/** The annotations that lists name. */
function choose(xmls: readonly string[], listed: readonly Listed[], warnings: Warnings): Chosen[] {
  const byStem = new Map<string, string[]>();
  const key = (stem: string) => stem.normalize('NFC').toLowerCase();
  for (const xml of xmls) {
    const stem = key(stemOf(xml));
    byStem.set(stem, [...(byStem.get(stem) ?? []), xml]);
  }
  const used = new Set<string>();
  const chosen = listed.flatMap(({ name, split, at, root }): Chosen[] => {
    const all = byStem.get(key(name)) ?? [];
    const own = all.filter((xml) => stemOf(xml).normalize('NFC') === name.normalize('NFC'));
    const [xml] = nearest(own.length > 0 ? own : all, `${root}/`);
    if (xml === undefined) {
      warnings.add('listed-without-annotation', at, `${name} has no XML file`);
      return [];
    }
    used.add(xml);
    return [{ path: xml, split }];
  });
  for (const xml of xmls) {
    if (!used.has(xml)) warnings.add('not-listed', { file: xml }, 'no list names it');
  }
  return chosen;
}
