import {
  AnchorGrid,
  assignAnchorsBatch,
  retinanetLoss,
  sigmoidFocalLossValueAndGrad,
  smoothL1LossValueAndGrad,
  type RetinanetLoss,
} from 'retinanet-ops';
import { mismatch } from '../../test/support/compare.js';
import { random, uniform } from '../../test/support/random.js';
import { checkSmall, fail, type Case, type Settings } from '../case.js';
import { boxesOfImage, IMAGE } from './assign.js';

const CLASSES = 80;
const BETA = 1 / 9;

/** Images with as many objects as COCO's have: 7 on average, now and then dozens. */
function groundTruthOf(next: () => number, images: number) {
  const counts = Array.from({ length: images }, () => Math.max(1, Math.min(60, Math.round(-7 * Math.log(1 - next())))));
  const offsets = Int32Array.from([0, ...counts]);
  for (let b = 1; b <= images; b++) offsets[b]! += offsets[b - 1]!;
  const total = offsets[images]!;
  const labels = Int32Array.from({ length: total }, () => Math.floor(CLASSES * next()));
  return { boxes: boxesOfImage(next, total), labels, offsets };
}

function lossCase(images: number): Case {
  const name = `retinanetLoss, ${images} image${images > 1 ? 's' : ''} of 800x1344, 80 classes`;
  return {
    name,
    prepare: () => {
      const anchors = new AnchorGrid(IMAGE);
      const next = random(images);
      const rows = images * anchors.count;
      const classLogits = new Float32Array(rows * CLASSES);
      for (let i = 0; i < classLogits.length; i++) classLogits[i] = 10 * next() - 8;
      const boxDeltas = uniform(next, 4 * rows, -0.3, 0.3);
      const groundTruth = groundTruthOf(next, images);
      const out = { classGrad: new Float32Array(classLogits.length), boxGrad: new Float32Array(boxDeltas.length) };
      let result: RetinanetLoss | undefined;
      const focal = (labels: Int32Array, grad: Float32Array) =>
        sigmoidFocalLossValueAndGrad(classLogits, labels, { numClasses: CLASSES, normalizer: 'positives', out: grad });
      return {
        unit: 'logit',
        count: classLogits.length,
        limit: { kind: 'copy', floats: classLogits.length + boxDeltas.length },
        run: () => {
          result = retinanetLoss({
            classLogits,
            boxDeltas,
            anchors,
            groundTruth,
            numClasses: CLASSES,
            beta: BETA,
            out,
          });
        },
        check: () => {
          checkSmall('retinanetLoss');
          const { labels, positives, boxTargets, numPositives } = assignAnchorsBatch(anchors, groundTruth);
          const { classLoss, boxLoss, classGrad } = result!;
          const few = classGrad.slice(0, 1 << 20);
          const parts = focal(labels, out.classGrad); // the same bits, or what follows fails
          const predictions = new Float32Array(4 * positives.length);
          positives.forEach((row, i) => {
            predictions.set(boxDeltas.subarray(4 * row, 4 * row + 4), 4 * i);
          });
          const box = smoothL1LossValueAndGrad(predictions, boxTargets, {
            beta: BETA,
            normalizer: Math.max(1, numPositives),
          });
          const wrong =
            mismatch([classLoss, boxLoss], [parts.loss, box.loss], { relative: 1e-6 }) ??
            mismatch(few, parts.grad.subarray(0, few.length), { relative: 1e-6 });
          if (wrong) fail(`${name}: ${wrong}`);
        },
        parts: () => {
          focal(assignAnchorsBatch(anchors, groundTruth).labels, out.classGrad);
        },
      };
    },
  };
}

export function retinanetLossCases({ quick, full }: Settings): Case[] {
  return [lossCase(quick ? 1 : full ? 16 : 2)];
}
