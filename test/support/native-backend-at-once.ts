// Two detections at once, neither of which has the native backend yet, on a net that another backend made.
import * as tf from '@tensorflow/tfjs-core';
import { createRetinaNet, detect, useWasmBackend } from 'retinanet-ops/retinanet';

await useWasmBackend();
const net = createRetinaNet({ numClasses: 1, imageHeight: 32, imageWidth: 32, pyramidChannels: 4, subnetDepth: 0 });
const images = new Uint8Array(32 * 32 * 3);
const found = await Promise.all([detect(net, images), detect(net, images)]);
console.log(...found.map(({ offsets }) => offsets.join()), tf.getBackend());
