// Prints what happens where TensorFlow.js has no backend, and where the wasm backend's package is missing.
import { register } from 'node:module';

const hooks = `export function resolve(specifier, context, next) {
  if (specifier === '@tensorflow/tfjs-backend-wasm') throw new Error('no such package');
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const { createRetinaNet, loadRetinaNet, useWasmBackend } = await import('retinanet-ops/retinanet');
for (const call of [
  useWasmBackend,
  async () => createRetinaNet({ numClasses: 1, imageHeight: 32, imageWidth: 32 }),
  () => loadRetinaNet('nowhere'),
]) {
  await call().catch((error: unknown) => {
    const { name, code, message, cause } = error as Error & { code: string };
    console.log(`${name} ${code} ${message} (${(cause as Error).name})`);
  });
}
