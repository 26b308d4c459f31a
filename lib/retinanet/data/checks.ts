// What a whole data set tells that no single box does.
import type { AnnotatedDataset } from './annotations.js';
import type { Source } from './formats/source.js';
import { refuse, type Warnings } from './warnings.js';

/** Refuses a set of which nothing is left, and says what most of it fell to. */
export function refuseEmpty(root: string, what: string, warnings: Warnings): never {
  const [first] = warnings.list().sort((a, b) => b.count - a.count);
  const [example] = first?.examples ?? [];
  if (!first || !example) refuse(root, what, 'none');
  const place = `${example.file}${example.line === undefined ? '' : `:${example.line}`}`;
  refuse(root, what, `none (${first.kind} ${first.count} times, such as ${place}: ${example.message})`);
}

/** Refuses what no image or no box of can be used. */
export function checkUsable(root: string, { images, shares }: Source, warnings: Warnings): void {
  if (images.length === 0) refuseEmpty(root, 'images with annotations', warnings);
  const boxes = images.flatMap((image) => image.boxes);
  if (boxes.length === 0) refuseEmpty(root, 'at least one box that can be read', warnings);
  const isTiny = ({ edges }: (typeof boxes)[number]) => edges.every((value) => value >= 0 && value <= 1);
  if (!shares && boxes.every(isTiny)) {
    const { at, edges } = boxes[0]!;
    refuse(at, 'coordinates in pixels', `0..1 in every box, such as [${edges.join(', ')}]`);
  }
}

/** Reports classes that training does not show or that look alike, and which convention coordinates follow. */
export function checkClasses({ splits, classes, format }: AnnotatedDataset, source: Source, warnings: Warnings): void {
  const shown = new Set(splits.train.images.flatMap(({ boxes }) => boxes.map((box) => box.class)));
  const first = (name: string) => source.images.flatMap(({ boxes }) => boxes).find((box) => box.class === name);
  for (const name of classes) {
    if (shown.has(name)) continue;
    const other = (['val', 'test'] as const).find((split) =>
      splits[split].images.some(({ boxes }) => boxes.some((box) => box.class === name)),
    );
    if (other) warnings.add('class-not-trained', first(name)!.at, `${name} is in ${other}, not in train`);
  }
  const plain = new Map<string, string>();
  for (const name of classes) {
    const key = name.toLowerCase().replaceAll(/[\s_-]+/g, '');
    const alike = plain.get(key);
    if (alike !== undefined) warnings.add('class-alike', first(name)?.at ?? { file: name }, `'${alike}' and '${name}'`);
    plain.set(key, name);
  }
  if (format !== 'voc') return;
  const images = source.images.filter(({ stated }) => stated);
  const touches = (edge: (image: (typeof images)[number]) => number, side: number) =>
    images.find((image) => image.boxes.some(({ edges }) => edges[side] === edge(image)));
  const zero = touches(() => 0, 0) ?? touches(() => 0, 1);
  const full = touches((image) => image.stated!.width, 2) ?? touches((image) => image.stated!.height, 3);
  if (zero && full) {
    warnings.add(
      'pixel-convention',
      zero.at,
      `0 here and the full size in ${full.at.file}: edges, nothing is subtracted`,
    );
  }
}
