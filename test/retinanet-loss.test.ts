import test from 'ava';
import fc from 'fast-check';
import {
  AnchorGrid,
  retinanetLoss,
  setNumThreads,
  assignAnchorsBatch,
  sigmoidFocalLossValueAndGrad,
} from 'retinanet-ops';
import { anchorBoxesReference } from './reference/anchors.js';
import { assignReference } from './reference/assign.js';
import { focalLossReference } from './reference/focal-loss.js';
import { smoothL1Element } from './reference/smooth-l1.js';
import { asNumber, bits, mismatch } from './support/compare.js';
import { offset, shared } from './support/memory.js';
import { integers, random, randomBoxes, uniform } from './support/random.js';

const config = {
  imageHeight: 60,
  imageWidth: 70,
  strides: [16, 32],
  baseSizes: [32, 64],
  scales: [1, 2 ** (1 / 3)],
  aspectRatios: [0.5, 1, 2],
};
const grid = new AnchorGrid(config);
const anchors = anchorBoxesReference(config);
const A = grid.count;

interface Case {
  classLogits: Float32Array;
  boxDeltas: Float32Array;
  groundTruth: {
    boxes: Float32Array;
    labels: Int32Array;
    offsets: Int32Array;
    ignoreBoxes?: Float32Array;
    ignoreOffsets?: Int32Array;
  };
  numClasses: number;
}

function build(seed: number, counts: readonly number[], numClasses: number, regions = false): Case {
  const next = random(seed);
  const offsets = Int32Array.from([0, ...counts].map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0)));
  const total = offsets[counts.length]!;
  const ignore = {
    ignoreBoxes: randomBoxes(next, counts.length, 60, 20, 50),
    ignoreOffsets: Int32Array.from({ length: counts.length + 1 }, (_, i) => i),
  };
  return {
    classLogits: uniform(next, counts.length * A * numClasses, -5, 3),
    boxDeltas: uniform(next, counts.length * A * 4, -1, 1),
    groundTruth: {
      boxes: randomBoxes(next, total, 60, 10, 50),
      labels: integers(next, total, 0, numClasses),
      offsets,
      ...(regions ? ignore : {}),
    },
    numClasses,
  };
}

interface Extra {
  alpha?: number | null;
  gamma?: number;
  labelSmoothing?: number;
  beta?: number;
  boxWeight?: number;
  normalizer?: number | 'positives';
  positiveThreshold?: number;
}

/** Assignment, both losses and both gradients from the reference's pieces. */
function reference({ classLogits, boxDeltas, groundTruth, numClasses }: Case, extra: Extra) {
  const { beta = 1 / 9, boxWeight = 1, normalizer = 'positives' } = extra;
  const { boxes, labels, offsets, ignoreBoxes, ignoreOffsets } = groundTruth;
  const images = offsets.length - 1;
  const all = new Int32Array(images * A);
  const boxGrad = new Float64Array(boxDeltas.length);
  let boxSum = 0;
  let positives = 0;
  for (let b = 0; b < images; b++) {
    const regions = ignoreBoxes?.subarray(4 * ignoreOffsets![b]!, 4 * ignoreOffsets![b + 1]!);
    const span = [offsets[b]!, offsets[b + 1]!] as const;
    const assignment = assignReference(anchors, boxes.subarray(4 * span[0], 4 * span[1]), labels.subarray(...span), {
      ...(extra.positiveThreshold === undefined ? {} : { positiveThreshold: extra.positiveThreshold }),
      ...(regions === undefined ? {} : { ignoreBoxes: regions }),
    });
    all.set(assignment.labels, b * A);
    assignment.positives.forEach((anchor, p) => {
      positives++;
      for (let j = 0; j < 4; j++) {
        const at = 4 * (b * A + anchor) + j;
        const { value, grad } = smoothL1Element(boxDeltas[at]! - Math.fround(assignment.boxTargets[4 * p + j]!), beta);
        boxSum += value;
        boxGrad[at] = grad;
      }
    });
  }
  const focal = focalLossReference(classLogits, all, { numClasses, ...extra });
  const divisor = normalizer === 'positives' ? Math.max(1, positives) : normalizer;
  return {
    positives,
    classLoss: focal.sum / divisor,
    boxLoss: boxSum / divisor,
    loss: (focal.sum + boxWeight * boxSum) / divisor,
    classGrad: focal.grad.map((v) => v / divisor),
    boxGrad: boxGrad.map((v) => (boxWeight * v) / divisor),
    scale: focal.scale.map((v) => v / divisor),
  };
}

test('one call is the reference of assignment, focal loss and smooth L1', (t) => {
  const settings = fc.record({
    seed: fc.integer(),
    counts: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
    numClasses: fc.constantFrom(1, 3, 9),
    regions: fc.boolean(),
    extra: fc.record(
      {
        alpha: fc.constantFrom(null, 0.25, 0.6),
        gamma: fc.constantFrom(0, 0.5, 2),
        labelSmoothing: fc.constantFrom(0, 0.1),
        beta: fc.constantFrom(1 / 9, 1),
        boxWeight: fc.constantFrom(0, 1, 2.5),
        normalizer: fc.constantFrom<number | 'positives'>('positives', 1, 12.5),
        positiveThreshold: fc.constantFrom(0.5, 0.65),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(settings, ({ seed, counts, numClasses, regions, extra }) => {
      const c = build(seed, counts, numClasses, regions);
      const want = reference(c, extra);
      for (const place of [grid, anchors]) {
        const got = retinanetLoss({ ...c, anchors: place, ...extra });
        t.is(got.numPositives, want.positives);
        t.is(mismatch([got.classLoss], [want.classLoss], { relative: 1e-6 }), null, 'classLoss');
        t.is(mismatch([got.loss], [want.loss], { relative: 1e-5 }), null, 'loss');
        // targets are float32 and a difference is rounded: relative to coordinates of size 1, not to the difference
        if ((extra.boxWeight ?? 1) === 1) {
          t.is(mismatch([got.boxLoss], [want.boxLoss], { relative: 1e-5, absolute: 1e-6 }), null, 'boxLoss');
        }
        const scale = extra.labelSmoothing ? want.scale : undefined;
        t.is(mismatch(got.classGrad, want.classGrad, { relative: 2e-6, scale }), null, 'classGrad');
        t.is(mismatch(got.boxGrad, want.boxGrad, { relative: 1e-6, absolute: 1e-4 }), null, 'boxGrad');
        t.true(got.boxGrad.every((v, i) => want.boxGrad[i] !== 0 || Math.abs(v) < 1e-4));
      }
    }),
    { numRuns: 60, seed: 1 },
  );
});

test('its pieces are the single operations', (t) => {
  const c = build(2, [3, 0, 2], 4);
  const got = retinanetLoss({ ...c, anchors: grid });
  const assignment = assignAnchorsBatch(grid, c.groundTruth);
  const focal = sigmoidFocalLossValueAndGrad(c.classLogits, assignment.labels, {
    numClasses: 4,
    normalizer: 'positives',
  });
  t.is(got.numPositives, assignment.numPositives);
  t.is(mismatch([got.classLoss], [asNumber(focal.loss)], { relative: 1e-12 }), null);
  t.is(mismatch(got.classGrad, focal.grad, { relative: 1.2e-7 }), null);
  const positive = new Set(assignment.positives);
  t.true(got.boxGrad.every((v, i) => positive.has(Math.floor(i / 4)) || v === 0));
});

test('ignored anchors have no influence, background has no box gradient', (t) => {
  const c = build(3, [4, 1], 3, true);
  const want = retinanetLoss({ ...c, anchors: grid });
  const { labels } = assignAnchorsBatch(grid, c.groundTruth);
  t.true(labels.some((label) => label === -2));
  const poisoned = {
    ...c,
    classLogits: c.classLogits.map((v, i) => (labels[Math.floor(i / 3)] === -2 ? NaN : v)),
    boxDeltas: c.boxDeltas.map((v, i) => (labels[Math.floor(i / 4)]! < 0 ? NaN : v)),
  };
  const got = retinanetLoss({ ...poisoned, anchors: grid });
  t.is(got.loss, want.loss);
  t.is(bits(got.classGrad), bits(want.classGrad));
  t.is(bits(got.boxGrad), bits(want.boxGrad));
});

test('a batch without any object: loss of the background alone, divided by one', (t) => {
  const c = build(4, [0, 0], 2);
  const got = retinanetLoss({ ...c, anchors: grid });
  t.is(got.numPositives, 0);
  t.is(got.boxLoss, 0);
  t.is(got.loss, got.classLoss);
  t.true(got.boxGrad.every((v) => v === 0));
  t.is(mismatch([got.classLoss], [reference(c, {}).classLoss], { relative: 1e-6 }), null);
});

test.serial('the same bits for every number of threads', (t) => {
  const c = build(
    5,
    Array.from({ length: 24 }, (_, i) => i % 5),
    20,
  );
  const seen = new Set<string>();
  try {
    for (const threads of [1, 2, 3, 8]) {
      setNumThreads(threads);
      const got = retinanetLoss({ ...c, anchors: grid });
      seen.add([got.loss, got.classLoss, got.boxLoss, bits(got.classGrad), bits(got.boxGrad)].join(' '));
    }
  } finally {
    setNumThreads(2);
  }
  t.is(seen.size, 1);
});

test('empty, shared and offset arrays, and out', (t) => {
  const c = build(6, [2, 3], 3);
  const want = retinanetLoss({ ...c, anchors });
  for (const place of [shared, offset]) {
    const out = {
      classGrad: place(new Float32Array(2 * A * 3).fill(9)),
      boxGrad: place(new Float32Array(2 * A * 4).fill(9)),
    };
    const { boxes, labels, offsets } = c.groundTruth;
    const got = retinanetLoss({
      classLogits: place(c.classLogits),
      boxDeltas: place(c.boxDeltas),
      anchors: place(anchors),
      groundTruth: { boxes: place(boxes), labels: place(labels), offsets: place(offsets) },
      out,
    });
    t.is(got.loss, want.loss);
    t.is(got.classGrad, out.classGrad);
    t.is(got.boxGrad, out.boxGrad);
    t.is(bits(out.classGrad), bits(want.classGrad));
    t.is(bits(out.boxGrad), bits(want.boxGrad));
  }
  const none = new Float32Array(0);
  const groundTruth = { boxes: none, labels: new Int32Array(0), offsets: new Int32Array([0]) };
  const nothing = retinanetLoss({ classLogits: none, boxDeltas: none, anchors: grid, groundTruth, numClasses: 3 });
  t.is(nothing.loss, 0);
  t.is(nothing.classGrad.length + nothing.boxGrad.length, 0);
  // Without anchors nothing tells the number of classes, and every label fits.
  const objects = { boxes: Float32Array.of(0, 0, 1, 1), labels: new Int32Array([3]), offsets: new Int32Array([0, 1]) };
  const empty = { classLogits: none, boxDeltas: none, anchors: none, groundTruth: objects };
  t.is(retinanetLoss(empty).loss, 0);
  t.throws(() => retinanetLoss({ ...empty, numClasses: 2 }), { code: 'ERR_LABEL' });
});
