// Run with --expose-gc: nothing but the calls in flight holds their inputs, while garbage is collected and memory reused.
import { strictEqual } from 'node:assert';
import { smoothL1LossValueAndGrad } from 'retinanet-ops/promises';

const collect = globalThis.gc as () => void;
const length = 200_000;

const pending = Array.from({ length: 64 }, (_, i) =>
  smoothL1LossValueAndGrad(new Float32Array(length).fill(i + 2), new Float32Array(length), { beta: 1 }),
);
for (let i = 0; i < 8; i++) {
  collect();
  new Float32Array(length).fill(NaN); // takes the place of what was freed
}
let right = 0;
for (const [i, { loss, grad }] of (await Promise.all(pending)).entries()) {
  strictEqual(loss, length * (i + 1.5));
  strictEqual(
    grad.every((value) => value === 1),
    true,
  );
  right++;
}
console.log(`${String(right)} right`);
