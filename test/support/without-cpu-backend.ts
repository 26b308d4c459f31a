// Prints what happens where the package of tfjs's cpu backend is missing. The net is on it all the same, as a backend of another name.
import { register } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

tf.registerBackend('own', tf.findBackendFactory('cpu'));
tf.copyRegisteredKernels('cpu', 'own');
await tf.setBackend('own');
tf.removeBackend('cpu');

const hooks = `export function resolve(specifier, context, next) {
  if (specifier === '@tensorflow/tfjs-backend-cpu') throw new Error('no such package');
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { createRetinaNet, detect, useNativeBackend } = await import('retinanet-ops/retinanet');
const net = createRetinaNet({ numClasses: 1, imageHeight: 32, imageWidth: 32, pyramidChannels: 4, subnetDepth: 0 });
const images = new Uint8Array(32 * 32 * 3);
const calls: Record<string, () => Promise<unknown>> = {
  useNativeBackend,
  'on native': () => detect(net, images, { backend: 'native' }),
  'on cpu': () => detect(net, images, { backend: 'cpu' }),
};
for (const [name, call] of Object.entries(calls)) {
  await call().catch((error: unknown) => {
    const { code, message } = error as Error & { code: string };
    console.log(`${name}: ${code} ${message}`);
  });
}
// On what the net is on, it detects.
console.log((await detect(net, images)).offsets.join());
