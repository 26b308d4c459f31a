// Small programs of a user, for tests of how they are started, installed and bundled.

/** Computes, where `ops` is the package. */
export const CALL = `
const { loss, numPositives } = ops.sigmoidFocalLossValueAndGrad(Float32Array.of(0.5, -2), Int32Array.of(0), { numClasses: 2 });
console.log(loss.toFixed(6), numPositives, ops.backendInfo().cpu.available);
`;
/** Loads the addon and computes. */
export const USE = `import * as ops from 'retinanet-ops';${CALL}`;
/**
 * What both print: with alpha 1/4, gamma 2 and sigmoids p of 0.5 and q of -2, the loss is
 * -(1/4) (1 - p)^2 log p - (3/4) q^2 log(1 - q) = 0.018246.
 */
export const USED = '0.018246 1 true\n';

/** Trains two steps on two threads. */
export const TRAIN = `import { createRetinaNet, trainRetinaNet, useWasmBackend } from 'retinanet-ops/retinanet';
await useWasmBackend();
const size = { imageHeight: 32, imageWidth: 32 };
const net = createRetinaNet({ ...size, numClasses: 1, pyramidChannels: 4, subnetDepth: 1 });
const images = new Uint8Array(2 * 32 * 32 * 3).map((_, i) => i % 251);
const boxes = Float32Array.of(4, 4, 20, 20, 8, 8, 30, 30);
const [labels, offsets] = [Int32Array.of(0, 0), Int32Array.of(0, 1, 2)];
const dataset = { classNames: ['a'], ...size, length: 2, images, boxes, labels, offsets };
const { history } = await trainRetinaNet(net, dataset, { steps: 2, batchSize: 2, threads: 2, augment: false });
console.log(history.map(({ loss }) => loss.toFixed(4)).join(' '));
`;
/** What TRAIN prints: a finite loss a step. */
export const TRAINED = /^\d+\.\d{4} \d+\.\d{4}\n$/;
