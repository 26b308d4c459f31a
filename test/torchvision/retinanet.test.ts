// The preset torchvision-retinanet beside torchvision's own network: anchors, outputs, detections and a step of training.
import * as tf from '@tensorflow/tfjs-core';
import test, { type ExecutionContext } from 'ava';
import { retinanetLoss } from 'retinanet-ops/tfjs';
import {
  createRetinaNet,
  type RetinaNet,
  type StepReport,
  trainRetinaNet,
  useNativeBackend,
} from 'retinanet-ops/retinanet';

import { f32, type Packed } from '../support/goldens.js';
import { drawn, formulaNet, torchvisionName } from './formula.js';
import { type Case, checkDetections, checkOutputs, type Found, near, norm2, of, type Outputs, sha } from './goldens.js';

interface Training extends Case {
  boxes: number[][][];
  labels: number[][];
  losses: { classification: number; bbox_regression: number };
  norms: Record<string, number>;
}

const SIDES = { shorterSide: 128, longerSide: 200 };

test.before(async () => {
  await useNativeBackend();
});

test("anchors are torchvision's to the bit", (t) => {
  for (const { size, ...golden } of of<Case & { hash: string; samples: Packed }>('anchors')) {
    const [imageHeight, imageWidth] = size;
    const narrow = { backbone: 'compact', pyramidChannels: 1, subnetDepth: 0, numClasses: 1 } as const;
    const net = createRetinaNet({ preset: 'torchvision-retinanet', ...narrow, imageHeight, imageWidth });
    const boxes = net.anchors.boxes();
    const step = 4 * Math.max(1, Math.floor(net.anchors.count / 16));
    const samples = f32(golden.samples);
    for (let row = 0; 4 * row < samples.length; row++) {
      const start = row * step;
      t.deepEqual(boxes.slice(start, start + 4), samples.slice(4 * row, 4 * row + 4), `${size.join('x')}, row ${row}`);
    }
    t.is(sha(new Uint8Array(boxes.buffer, boxes.byteOffset, boxes.byteLength)), golden.hash, size.join('x'));
    net.dispose();
  }
});

for (const backbone of ['resnet18', 'resnet50'] as const) {
  test.serial(`outputs, detections and a step of ${backbone} are torchvision's`, async (t) => {
    const [step] = of<Training>('training', backbone) as [Training];
    const [imageHeight, imageWidth] = step.size;
    const net = formulaNet(backbone, { imageHeight, imageWidth, ...SIDES });
    checkOutputs(t, net, of<Outputs>('outputs', backbone)[0]!);
    for (const golden of of<Found>('detections', backbone)) await checkDetections(t, net, golden);
    checkStep(t, net, step);
    await checkTraining(t, net, step);
    net.dispose();
  });
}

/** A drawn picture, and the same upside down. */
function batchOf({ size: [height, width], boxes, labels }: Training) {
  const image = drawn(height, width);
  const rows = Array.from({ length: height }, (_, y) => image.subarray(y * width * 3, (y + 1) * width * 3));
  const groundTruth = {
    boxes: Float32Array.from(boxes.flat(2)),
    labels: Int32Array.from(labels.flat()),
    offsets: Int32Array.from([0, labels[0]!.length, labels.flat().length]),
  };
  return { images: Uint8Array.from([...image, ...rows.reverse().flatMap((row) => [...row])]), groundTruth };
}

/** The numbers that a step of trainRetinaNet reports. */
async function checkTraining(t: ExecutionContext, net: RetinaNet, golden: Training) {
  const { images, groundTruth } = batchOf(golden);
  const [imageHeight, imageWidth] = golden.size;
  const classNames = Array.from({ length: 91 }, (_, k) => String(k));
  const dataset = { classNames, imageHeight, imageWidth, length: 2, images, ...groundTruth };
  const { history } = await trainRetinaNet(net, dataset, { steps: 1, batchSize: 2, augment: false });
  const [{ classLoss, boxLoss, gradientNorm }] = history as [StepReport];
  const norm = Math.hypot(...Object.values(golden.norms));
  near(t, classLoss, golden.losses.classification, 1e-4 * golden.losses.classification, 'classLoss');
  near(t, boxLoss, golden.losses.bbox_regression, 1e-4 * golden.losses.bbox_regression, 'boxLoss');
  near(t, gradientNorm, norm, 1e-4 * norm, 'gradientNorm');
}

function checkStep(t: ExecutionContext, net: RetinaNet, golden: Training) {
  const { size, losses, norms } = golden;
  const [height, width] = size;
  const { images, groundTruth } = batchOf(golden);
  const options = { boxLoss: 'l1', normalizer: 'positives-per-image', numClasses: 91 } as const;
  let numbers: [number, number] = [0, 0];
  const variables = net.model.trainableWeights.map(({ name }) => tf.engine().registeredVariables[name]!);
  const { grads } = tf.variableGrads(() => {
    const [classLogits, boxDeltas] = net.model.apply(tf.tensor4d(images, [2, height, width, 3])) as tf.Tensor[];
    const inputs = { classLogits: classLogits!, boxDeltas: boxDeltas!, anchors: net.anchors, groundTruth };
    const { loss, classLoss, boxLoss } = retinanetLoss({ ...inputs, ...options });
    numbers = [classLoss.dataSync()[0]!, boxLoss.dataSync()[0]!];
    return loss;
  }, variables);
  near(t, numbers[0], losses.classification, 1e-4 * losses.classification, 'class loss');
  near(t, numbers[1], losses.bbox_regression, 1e-4 * losses.bbox_regression, 'box loss');
  const found: Record<string, number> = {};
  for (const { name, originalName } of net.model.trainableWeights) {
    const group = groupOf(torchvisionName(originalName.split('/')[0]!)!);
    found[group] = Math.hypot(found[group] ?? 0, norm2(grads[name]!.dataSync()));
  }
  tf.dispose(grads);
  t.deepEqual(Object.keys(found).sort(), Object.keys(norms).sort());
  for (const [group, norm] of Object.entries(norms)) near(t, found[group]!, norm, 1e-4 * norm, group);
}

/** Of parameters: each stage of the backbone, the pyramid and each head. */
function groupOf(module: string): string {
  return module
    .split('.')
    .slice(0, module.startsWith('backbone.body') ? 3 : 2)
    .join('.');
}
