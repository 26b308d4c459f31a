// What other detectors than torchvision's own differ in, by torchvision's layers and losses: backbones, P6, box coders, names, normalizers.
import test from 'ava';
import { AnchorGrid, retinanetLoss } from 'retinanet-ops';
import { createRetinaNet, useNativeBackend } from 'retinanet-ops/retinanet';

import { formulaNet, uniform } from './formula.js';
import { type Case, checkDetections, checkOutputs, type Found, near, norm2, of, type Outputs } from './goldens.js';

test.before(async () => {
  await useNativeBackend();
});

for (const backbone of ['resnet34', 'resnet101'] as const) {
  test.serial(`outputs of ${backbone} are torchvision's`, (t) => {
    const golden = of<Outputs>('outputs', backbone)[0]!;
    using net = formulaNet(backbone, { imageHeight: 64, imageWidth: 64 });
    checkOutputs(t, net, golden);
    t.pass();
  });
}

test.serial('P6 from C5', (t) => {
  const golden = of<Outputs>('p6-from-c5')[0]!;
  const [imageHeight, imageWidth] = golden.size;
  using net = formulaNet('resnet18', { imageHeight, imageWidth, p6From: 'c5' });
  const p6 = net.model.layers.find(({ name }) => name === 'p6')!;
  t.deepEqual(p6.weights[0]!.shape, [3, 3, 512, 256]);
  checkOutputs(t, net, golden);
});

test.serial('box deltas by the weights of a coder', async (t) => {
  const { coder, ...golden } = of<Found & { coder: number[] }>('weighted')[0]!;
  using net = formulaNet('resnet18', { shorterSide: 128, longerSide: 200, coderWeights: coder });
  await checkDetections(t, net, golden);
});

interface Names extends Case {
  names: string[];
}

test("91 classes have COCO's names by their ids, unless they have others", (t) => {
  const small = { imageHeight: 32, imageWidth: 32, backbone: 'compact', pyramidChannels: 1, subnetDepth: 0 } as const;
  using net = createRetinaNet({ preset: 'torchvision-retinanet', numClasses: 91, ...small });
  t.deepEqual([...net.config.classNames], of<Names>('names')[0]!.names);
  t.is(net.config.classNames[18], 'dog');
  using few = createRetinaNet({ preset: 'torchvision-retinanet', numClasses: 90, ...small });
  t.deepEqual(few.config.classNames, []);
  const classNames = Array.from({ length: 91 }, (_, k) => `class ${String(k)}`);
  using own = createRetinaNet({ preset: 'torchvision-retinanet', numClasses: 91, classNames, ...small });
  t.deepEqual(own.config.classNames, classNames);
  using plain = createRetinaNet({ numClasses: 91, ...small, backbone: 'compact' });
  t.deepEqual(plain.config.classNames, []);
});

interface EachImage extends Case {
  boxes: number[][][];
  labels: number[][];
  losses: { classification: number; bbox_regression: number };
  norms: { logits: number; deltas: number };
}

test('losses over the positives of each image, one of which has none', (t) => {
  const { size, boxes, labels, losses, norms } = of<EachImage>('each-image')[0]!;
  const small = { backbone: 'compact', pyramidChannels: 1, subnetDepth: 0, numClasses: 3 } as const;
  const [imageHeight, imageWidth] = size;
  using net = createRetinaNet({ preset: 'torchvision-retinanet', ...small, imageHeight, imageWidth });
  const { count } = net.anchors;
  t.true(net.anchors instanceof AnchorGrid);
  const offsets = [0];
  for (const one of labels) offsets.push(offsets.at(-1)! + one.length);
  const result = retinanetLoss({
    classLogits: uniform('logits', 3 * count * 3).map((value) => value * 2 - 3),
    boxDeltas: uniform('deltas', 3 * count * 4).map((value) => value / 2),
    anchors: net.anchors,
    groundTruth: {
      boxes: Float32Array.from(boxes.flat(2)),
      labels: Int32Array.from(labels.flat()),
      offsets: Int32Array.from(offsets),
    },
    ...{ numClasses: 3, boxLoss: 'l1', normalizer: 'positives-per-image' },
  });
  near(t, result.classLoss, losses.classification, 1e-5 * losses.classification, 'classLoss');
  near(t, result.boxLoss, losses.bbox_regression, 1e-5 * losses.bbox_regression, 'boxLoss');
  near(t, norm2(result.classGrad), norms.logits, 1e-5 * norms.logits, 'classGrad');
  near(t, norm2(result.boxGrad), norms.deltas, 1e-5 * norms.deltas, 'boxGrad');
  t.pass();
});
