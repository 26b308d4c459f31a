import * as tf from '@tensorflow/tfjs-core';
import { mismatch } from '../../test/support/compare.js';
import { fail, type Peer, type Settings } from '../case.js';
import { tfjsBackends, tfjsPeer } from './tfjs.js';
import type { Torchvision } from './torchvision.js';

/** The matching with the operations at hand: IoU matrix, best box of every anchor, best IoU of every box. */
function composedMatches(anchors: tf.Tensor2D, boxes: tf.Tensor2D): tf.Tensor {
  const [ax1, ay1, ax2, ay2] = tf.split(anchors, 4, 1).map((c) => tf.reshape(c, [1, -1])) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]; // prettier-ignore
  const [x1, y1, x2, y2] = tf.split(boxes, 4, 1) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const overlap = (low: tf.Tensor, high: tf.Tensor, otherLow: tf.Tensor, otherHigh: tf.Tensor) =>
    tf.relu(tf.sub(tf.minimum(high, otherHigh), tf.maximum(low, otherLow)));
  const inter = tf.mul(overlap(ax1, ax2, x1, x2), overlap(ay1, ay2, y1, y2));
  const areas = tf.add(tf.mul(tf.sub(x2, x1), tf.sub(y2, y1)), tf.mul(tf.sub(ax2, ax1), tf.sub(ay2, ay1)));
  const iou = tf.div(inter, tf.sub(areas, inter));
  const best = tf.max(iou, 0);
  const owner = tf.argMax(iou, 0);
  const lowQuality = tf.any(tf.equal(iou, tf.max(iou, 1, true)), 0);
  const matched = tf.where(tf.greaterEqual(best, 0.5), owner, tf.where(tf.less(best, 0.4), tf.scalar(-1, 'int32'), tf.scalar(-2, 'int32'))); // prettier-ignore
  return tf.where(lowQuality, owner, matched);
}

export function assignPeers(
  anchors: Float32Array,
  boxes: Float32Array,
  labels: Int32Array,
  matches: () => Int32Array,
  settings: Settings,
  torchvision: Torchvision,
): Peer[] {
  const [numAnchors, numBoxes] = [anchors.length / 4, boxes.length / 4];
  if (numBoxes > 300) return []; // the matrices that they make would fill the machine's memory
  const composed = tfjsBackends.map((backend) => {
    // Elements of the matrix that fit, and that do not take minutes.
    const count = Math.min(
      numAnchors,
      Math.floor(((backend === 'cpu' ? 2.5e5 : 2e6) * (settings.quick ? 0.2 : 1)) / numBoxes),
    );
    return tfjsPeer(backend, settings.budget / 2, () => {
      const some = tf.tensor2d(anchors.slice(0, 4 * count), [count, 4]);
      const truth = tf.tensor2d(boxes, [numBoxes, 4]);
      return {
        count,
        run: () => {
          composedMatches(some, truth).dataSync();
        },
      };
    });
  });
  const peer = torchvision.peer(
    'assign',
    () => ({ anchors, boxes, labels }),
    { answer: true },
    numAnchors,
    (answer) => {
      const wrong = mismatch(matches(), answer['matches'] as number[]);
      if (wrong) fail(`torchvision matches otherwise: ${wrong}`);
    },
  );
  return [...peer, ...composed];
}
