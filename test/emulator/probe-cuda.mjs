// Proves that typed arrays go to a device, in this thread and in a worker: were they to stay on the CPU, every test would pass. On the
// emulator by a launch that is made to fail, on a GPU by the memory that the process has there afterwards.
import { backendInfo, boxIou, cuda as device } from 'retinanet-ops';
import { isMainThread, SHARE_ENV, Worker } from 'node:worker_threads';

const { active, cuda } = backendInfo();
if (active !== 'cuda') throw new Error(`typed arrays go to ${active}`);
if (cuda.devices[0].name.startsWith('Emulated')) {
  process.env.RETINANET_OPS_EMULATOR_FAIL = isMainThread ? 'launch:1' : 'launch:01';
  let code;
  try {
    boxIou(new Float32Array(4), new Float32Array(4));
  } catch (error) {
    ({ code } = error);
  }
  if (code !== 'ERR_BACKEND') throw new Error('no kernel was launched');
} else if (isMainThread) {
  const before = device.memory().reserved;
  boxIou(new Float32Array(4), new Float32Array(4));
  if (before !== 0 || device.memory().reserved === 0) throw new Error('nothing was put on the device');
}
if (isMainThread) {
  console.log(`on ${cuda.devices[0].name}`);
  new Worker(new URL(import.meta.url), { env: SHARE_ENV });
}
