// Focal losses far from what training sees: any logit, target, gamma and weight that float32 has.
import { sigmoidFocalLoss, sigmoidFocalLossBackward, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { focalLossReference } from '../reference/focal-loss.js';
import { asArray, asNumber, mismatch } from './compare.js';
import { random } from './random.js';

const MAX = 2 ** 128 - 2 ** 104;

function pick<T>(next: () => number, ...makers: (() => T)[]): T {
  return makers[Math.floor(next() * makers.length)]!();
}

/** 10 to a power of [low, high). */
const decade = (next: () => number, low: number, high: number) => 10 ** (low + (high - low) * next());

function logit(next: () => number): number {
  const size = pick(
    next,
    () => 3 * next(),
    () => 30 * next(),
    () => 110 * next(),
    () => decade(next, -45, 38.5),
    () => 1e-3 * next(),
    () => pick(next, () => 0, () => MAX, () => 2 ** -149), // prettier-ignore
  );
  return next() < 0.5 ? -size : size;
}

const target = (next: () => number) =>
  pick(
    next,
    () => Number(next() < 0.5),
    () => next(),
    () => decade(next, -45, 0),
    () => 1 - decade(next, -7.2, 0),
    () => pick(next, () => 0.5, () => 1 - 2 ** -24, () => 2 ** -149), // prettier-ignore
  );

const gammaOf = (next: () => number) =>
  pick(
    next,
    () => pick(next, () => 0, () => 0.5, () => 1, () => 2, () => 3, () => 5), // prettier-ignore
    () => 5 * next(),
    () => 200 * next(),
    () => decade(next, -45, 38.5),
    () => decade(next, 0, 5),
  );

const alphaOf = (next: () => number) =>
  pick(
    next,
    () => 0.25,
    () => next(),
    () => pick(next, () => 0, () => 1, () => 0.999999), // prettier-ignore
    () => decade(next, -44, 0),
  );

const scaleOf = (next: () => number) => pick(next, () => 1, () => 1, () => decade(next, -3, 4), () => decade(next, -40, 37)); // prettier-ignore

const floats = (length: number, make: () => number) => Float32Array.from({ length }, () => Math.min(make(), MAX));

/** One call of random settings and its right results: NaN, infinities and denormal numbers included as float32 has them. */
export function extremeCall(seed: number) {
  const next = random(seed);
  const numClasses = 1 + Math.floor(8 * next());
  const rows = 24;
  const logits = floats(rows * numClasses, () => logit(next));
  const dense = next() < 0.6;
  const targets = dense
    ? floats(logits.length, () => target(next))
    : Int32Array.from({ length: rows }, () => Math.floor((numClasses + 2) * next()) - 2);
  const options = {
    numClasses,
    gamma: next() < 0.7 ? Math.min(gammaOf(next), MAX) : floats(numClasses, () => gammaOf(next)),
    alpha: pick<number | Float32Array | null>(next, () => null, () => alphaOf(next), () => floats(numClasses, () => alphaOf(next))), // prettier-ignore
    labelSmoothing: pick(
      next,
      () => 0,
      () => 0,
      () => 0.1,
      () => next(),
      () => decade(next, -30, 0),
      () => 1,
    ),
    weights: next() < 0.3 ? floats(rows, () => (next() < 0.1 ? 0 : scaleOf(next))) : undefined,
  };
  const normalizer = next() < 0.5 ? 1 : scaleOf(next);
  const gradOutput = pick<number | Float32Array>(
    next,
    () => 1,
    () => Math.fround(-scaleOf(next)),
    () => floats(logits.length, () => scaleOf(next)),
  );
  return { logits, targets, options, normalizer, gradOutput };
}

/** What float32 makes of the right result. */
const rounded = (value: number) => (Math.abs(value) > MAX * (1 + 2 ** -25) ? Math.fround(value) : value);

/**
 * What is wrong with the losses and gradients of a call, or null. They keep to 1e-6 of the right result, or below the normal numbers
 * to one step between the denormal ones.
 */
export function wrongExtreme(call: ReturnType<typeof extremeCall>): string | null {
  const { logits, targets, options, normalizer, gradOutput } = call;
  const want = focalLossReference(logits, targets, options);
  const value = Float64Array.from(want.value, (v) => rounded(v / normalizer));
  const upstream = (i: number) => (typeof gradOutput === 'number' ? gradOutput : gradOutput[i]!) / normalizer;
  const grad = Float64Array.from(want.grad, (v, i) => rounded(v * upstream(i)));
  const relative = 1e-6;
  const given = { ...options, normalizer, reduction: 'none' } as const;
  const both = sigmoidFocalLossValueAndGrad(logits, targets, given);
  const ofValue = mismatch(asArray(both.loss), value, { relative });
  if (ofValue !== null) return `value ${ofValue}`;
  const gradients = sigmoidFocalLossBackward(logits, targets, { ...given, gradOutput });
  const ofGrad = mismatch(gradients, grad, { relative });
  if (ofGrad !== null) return `gradient ${ofGrad}`;
  const sum = asNumber(sigmoidFocalLoss(logits, targets, { ...options, normalizer }));
  const ofSum = mismatch([sum], [want.sum / normalizer], { relative });
  return ofSum === null ? null : `sum ${ofSum}`;
}
