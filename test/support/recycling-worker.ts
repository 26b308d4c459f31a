// The other thread of test/recycled-memory.test.ts. 'give': sends a result away and ends. 'take': ends while it holds what it
// is sent; 'loop': has results of its own until it is terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { result } from './recycling.js';

const port = parentPort!;
const { task, mark } = workerData as { task: string; mark: number };
if (task === 'give') {
  const array = result(100_000, mark);
  port.postMessage(array, [array.buffer as ArrayBuffer]);
} else if (task === 'take') {
  port.once('message', (array: Float32Array) => {
    port.postMessage(array.every((value) => value === mark));
    process.exit();
  });
} else {
  port.postMessage('started');
  for (let i = 0; ; i++) result(50_000 + (i % 7) * 10_000, mark);
}
