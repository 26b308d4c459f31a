import * as tf from '@tensorflow/tfjs-core';
import { AnchorGrid, decodeDetections, nms, type DecodeDetectionsOptions, type Detections } from 'retinanet-ops';
import { mismatch } from '../../test/support/compare.js';
import { random, uniform } from '../../test/support/random.js';
import { checkResult, checkSmall, fail, type Case, type Settings } from '../case.js';
import { tfjsBackends, tfjsPeer } from '../peers/tfjs.js';
import { boxesOfImage, IMAGE } from './assign.js';

const IOU_THRESHOLD = 0.5;

function nmsCase(count: number): Case {
  const name = `nms, ${count} boxes`;
  return {
    name,
    prepare: (settings, torchvision) => {
      const next = random(count);
      const boxes = boxesOfImage(next, count);
      const scores = uniform(next, count, 0, 1);
      let kept: Int32Array | undefined;
      return {
        unit: 'box',
        count,
        run: () => {
          kept = nms(boxes, scores, { iouThreshold: IOU_THRESHOLD });
        },
        check: () => {
          checkResult('nms', [boxes, scores, { iouThreshold: IOU_THRESHOLD }], kept);
        },
        peers: [
          ...torchvision.peer(
            'nms',
            () => ({ boxes, scores }),
            { iouThreshold: IOU_THRESHOLD },
            count,
            (answer) => {
              const wrong = mismatch(kept!, answer['kept'] as number[]);
              if (wrong) fail(`torchvision's nms keeps others: ${wrong}`);
            },
          ),
          ...tfjsBackends
            .filter(() => count <= 1000 || !settings.quick) // it takes seconds
            .map((backend) =>
              tfjsPeer(backend, settings.budget / 2, () => {
                const [b, s] = [tf.tensor2d(boxes, [count, 4]), tf.tensor1d(scores)];
                return {
                  count,
                  run: () => {
                    tf.image.nonMaxSuppression(b, s, count, IOU_THRESHOLD).dataSync();
                  },
                };
              }),
            ),
        ],
      };
    },
  };
}

/** Logits of a trained network: one in five thousand is above the score threshold of .05. */
function heads(images: number, anchors: number, numClasses: number, share: number) {
  const next = random(7);
  const classLogits = new Float32Array(images * anchors * numClasses);
  for (let i = 0; i < classLogits.length; i++) {
    const u = next();
    classLogits[i] = u < share ? -2.9 + (6 * u) / share : -9 + 6 * u;
  }
  return { classLogits, boxDeltas: uniform(next, images * anchors * 4, -0.5, 0.5) };
}

function decodeCase(images: number): Case {
  const name = `decodeDetections, ${images} image${images > 1 ? 's' : ''} of 800x1344, 80 classes`;
  return {
    name,
    prepare: (_, torchvision) => {
      const grid = new AnchorGrid(IMAGE);
      const { classLogits, boxDeltas } = heads(images, grid.count, 80, 2e-4);
      const options: DecodeDetectionsOptions = { classLogits, boxDeltas, anchors: grid, numClasses: 80 };
      let found: Detections | undefined;
      const parameters = {
        images,
        levels: grid.levels.map((level) => level.count),
        ...{ height: IMAGE.imageHeight, width: IMAGE.imageWidth },
      };
      return {
        unit: 'logit',
        count: classLogits.length,
        limit: { kind: 'read', floats: classLogits.length },
        run: () => {
          found = decodeDetections(options);
        },
        check: () => {
          checkSmall('decodeDetections');
          if (found!.scores.some((score) => !(score > 0.05))) fail(`${name}: a score below the threshold`);
        },
        peers: torchvision.peer(
          'decode',
          () => ({ logits: classLogits, deltas: boxDeltas, anchors: grid.boxes() }),
          parameters,
          classLogits.length,
          (answer) => {
            // Its class-aware suppression moves the boxes, so that a pair near the threshold may go otherwise.
            const theirs = answer['detections'] as number[];
            const ours = theirs.map((_n, b) => found!.offsets[b + 1]! - found!.offsets[b]!);
            const wrong = mismatch(ours, theirs, { absolute: 3 });
            if (wrong) fail(`torchvision detects others: ${wrong}`);
          },
        ),
      };
    },
  };
}

export function detectionCases({ quick, full }: Settings): Case[] {
  return [nmsCase(1000), nmsCase(10_000), decodeCase(quick ? 1 : full ? 16 : 2)];
}
