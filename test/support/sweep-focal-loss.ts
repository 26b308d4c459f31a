// Every exponent of float32 up to |logit| = 100, densely, or with as many mantissas as the argument says: how far value and gradient
// are from float64, on the backend that is set and the instruction set that RETINANET_OPS_CPU names. Prints one line of JSON.
import { backendInfo, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { focalElement } from '../reference/focal-loss.js';
import { asArray } from './compare.js';

const GAMMAS = [0, 0.3, 0.5, 1, 1.5, 2, 3, 4.7, 5];
const STEP = 2 ** -149;

/** Both signs of `perExponent` mantissas in each binade, and of the numbers next to each power of two. */
function logits(perExponent: number): Float32Array {
  const bits: number[] = [];
  for (let exponent = 0; exponent <= 133; exponent++) {
    for (let i = 0; i < perExponent; i++) {
      // A fixed stride through the mantissas, the first and the last among them.
      const mantissa = i === 0 ? 0 : i === 1 ? 0x7fffff : Math.imul(i, 0x9e3779b1) & 0x7fffff;
      bits.push((exponent << 23) | mantissa);
    }
  }
  const positive = new Float32Array(Uint32Array.from(bits).buffer).filter((x) => x <= 100);
  return Float32Array.from([...positive, ...positive.map((x) => -x)]);
}

/** Units in the last place of float32 between the two, relative to the wanted value. */
function ulps(got: number, want: number): number {
  const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(want) || STEP)) - 23), STEP);
  return Math.abs(got - want) / unit;
}

const worst = { relative: 0, ulps: 0, where: '' };
function compare(what: string, got: number, want: number, where: string): void {
  // One step between denormal numbers is all that float32 can do there.
  if (Math.abs(got - want) <= STEP) return;
  const relative = Math.abs(got - want) / Math.abs(want);
  if (relative <= worst.relative) return;
  Object.assign(worst, { relative, ulps: ulps(got, want), where: `${what} at ${where}` });
}

const x = logits(Number(process.argv[2] ?? 160));
let sumError = 0;
for (const gamma of GAMMAS) {
  for (const label of [-1, 0]) {
    const targets = new Int32Array(x.length).fill(label);
    const got = sigmoidFocalLossValueAndGrad(x, targets, { numClasses: 1, gamma, reduction: 'none' });
    const losses = asArray(got.loss);
    let sum = 0;
    x.forEach((logit, i) => {
      const want = focalElement(logit, label + 1, 0.25, gamma);
      const where = `logit ${String(logit)}, gamma ${String(gamma)}, label ${String(label)}`;
      compare('loss', losses[i]!, want.value, where);
      compare('gradient', got.grad[i]!, want.grad, where);
      sum += want.value;
    });
    const summed = sigmoidFocalLossValueAndGrad(x, targets, { numClasses: 1, gamma, reduction: 'sum' }).loss;
    sumError = Math.max(sumError, Math.abs(summed / sum - 1));
  }
}
const { active, cpu } = backendInfo();
console.log(JSON.stringify({ active, instructionSet: cpu.instructionSet, logits: x.length, ...worst, sumError }));
