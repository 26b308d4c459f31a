// Runs in a process of its own: `calls` gradients of `megabytes` each, whose memory nobody holds, in a loop that awaits or not.
// Prints what the pool and the peak of resident memory came to.
import { backendInfo, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { peak } from './peak.js';

const [, , mode, megabytes, calls] = process.argv;
const rows = (Number(megabytes) * 1e6) / 320;
const logits = new Float32Array(80 * rows).fill(-3);
const labels = new Int32Array(rows).fill(-1);
const out = new Float32Array(logits.length);
const { loss } = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 80, out });
const before = process.memoryUsage.rss();
let [kept, wrong] = [0, 0];
for (let i = 0; i < Number(calls); i++) {
  const result = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 80 });
  if (result.loss !== loss || result.grad.at(-1) !== out.at(-1)) wrong++;
  result.grad.fill(NaN);
  if (mode === 'await') await Promise.resolve();
  kept = Math.max(kept, backendInfo().memory.kept);
}
const last = sigmoidFocalLossValueAndGrad(logits, labels, { numClasses: 80 }).grad;
const moved = structuredClone(last, { transfer: [last.buffer as ArrayBuffer] });
const transfers = last.length === 0 && moved.length === out.length && moved[0] === out[0];
console.log(JSON.stringify({ growth: peak() - before, limit: backendInfo().memory.limit, kept, wrong, transfers }));
