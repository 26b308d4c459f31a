import type { CocoBox, CocoResult, CocoTruth } from 'retinanet-ops/retinanet';
import { pick, random, shuffled } from '../support/random.js';

/** A random set with crowds, areas of outlines, ties, images and classes without objects, and ids in any order. */
export function randomSet(seed: number): { truth: CocoTruth; results: CocoResult[] } {
  const next = random(seed);
  const whole = (low: number, high: number) => low + Math.floor((high - low) * next());
  const extent = pick(next, [30, 90, 250]);
  const images = shuffled(next, 20).slice(0, whole(1, 9));
  const categories = shuffled(next, 60).slice(0, pick(next, [1, 3, 30]));
  const box = (): CocoBox => [whole(0, extent), whole(0, extent), whole(4, extent), whole(4, extent)];
  const truth: CocoTruth = { images: [], categories: [], annotations: [] };
  const results: CocoResult[] = [];
  for (const id of categories) truth.categories.push({ id, name: `class ${String(id)}` });
  for (const id of images) {
    truth.images.push({ id });
    const objects = Array.from({ length: pick(next, [0, 1, 5, 9]) }, () => {
      const bbox = box();
      const size = bbox[2] * bbox[3];
      const area = pick(next, [undefined, size, Math.round(size * next()), 1024, 9216]);
      return { image_id: id, category_id: pick(next, categories), bbox, area, iscrowd: next() < 0.2 ? 1 : 0 } as const;
    });
    truth.annotations.push(...objects);
    for (let i = pick(next, [0, 3, 15, 25]); i > 0; i--) {
      const near = objects.length > 0 && next() < 0.8 ? pick(next, objects) : undefined;
      const jitter = next() < 0.7 ? 3 : 0;
      results.push({
        image_id: id,
        category_id: near && next() < 0.8 ? near.category_id : pick(next, categories),
        bbox: (near?.bbox ?? box()).map((value) => value + whole(-jitter, jitter + 1)) as CocoBox,
        score: whole(0, 9) / 8,
      });
    }
  }
  return { truth, results: shuffled(next, results.length).map((i) => results[i]!) };
}
