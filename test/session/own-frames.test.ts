// Training of a network that gives each picture a frame of its own: it is measured in those frames.
import { join } from 'node:path';
import test from 'ava';
import {
  cocoResults,
  cocoTruth,
  decodeImage,
  detectPicture,
  evaluateCoco,
  readDataset,
  trainDetector,
  type ValidationReport,
} from 'retinanet-ops/retinanet';
import { temporary, tiny, writeSquares } from './squares.js';

test('validations on the way and the final numbers are of what detectPicture finds', async (t) => {
  const folder = await temporary(t);
  const data = await writeSquares(folder);
  const validations: ValidationReport[] = [];
  const { net, evaluation } = await trainDetector(data, {
    ...{ ...tiny, steps: 4, weightAveraging: 0, out: join(folder, 'run'), priorProbability: 0.3 },
    ...{ preset: 'torchvision-retinanet', backbone: 'compact', imageHeight: 64, imageWidth: 96 },
    ...{ shorterSide: 90, longerSide: 120 },
    onValidation: (report) => validations.push(report),
  });
  using best = net!;
  const { root, classes, splits } = await readDataset(data, { seed: tiny.seed });
  const found = [];
  for (const [i, { file }] of splits.val.images.entries()) {
    const detections = await detectPicture(best, await decodeImage(join(root, file)));
    found.push(...cocoResults(detections, { imageIds: [i + 1] }));
  }
  t.true(found.length > 20, String(found.length));
  const coco = evaluateCoco(found, cocoTruth(classes, splits.val.images));
  t.deepEqual(evaluation?.coco, coco);
  t.deepEqual(validations.find(({ isBest }) => isBest)?.coco.classes, coco.classes);
});
