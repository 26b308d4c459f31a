// Float64 reference of the sigmoid focal loss, one element at a time, written to be read.

export interface FocalElement {
  value: number;
  grad: number;
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(q) of q = 1 - notQ: near 1 by what is missing there, of a hard target by its logit, where q has underflowed. */
function logOf(q: number, notQ: number, x: number, t: number, notT: number): number {
  if (t === 0 || notT === 0) return -softplus(t === 0 ? -x : x);
  return q < 0.5 ? Math.log(q) : Math.log1p(-notQ);
}

/** FL = alpha_t (1 - p_t)^gamma CE at a finite logit; `alpha` null is off. */
export function focalElement(
  x: number,
  target: number,
  alpha: number | null,
  gamma: number,
  smoothing = 0,
): FocalElement {
  const t = target * (1 - smoothing) + smoothing / 2;
  const notT = (1 - target) * (1 - smoothing) + smoothing / 2; // 1 - t would lose what is left of it near 1
  const p = sigmoid(x);
  const n = sigmoid(-x);
  // 1 - p_t and p_t = p t + (1 - p)(1 - t), each as a sum of non-negative terms
  const q = p * notT + n * t;
  const notQ = p * t + n * notT;
  const crossEntropy = softplus(x) * notT + softplus(-x) * t;
  const weight = alpha === null ? 1 : alpha * t + (1 - alpha) * notT;
  // The power by its logarithm: no error of q is magnified by gamma.
  const modulation = gamma === 0 ? weight : weight * Math.exp(gamma * logOf(q, notQ, x, t, notT));
  // d q / d x = p n (1 - 2 t), divided by q before it meets gamma and the cross entropy, which may be immense
  const change = q === 0 ? 0 : ((p * n) / q) * (notT - t);
  const ofModulation = gamma * change * crossEntropy;
  // p - t; around x = 0, where both may be next to 1/2, by how far they are from it
  const pull = Math.abs(x) < 1 ? (Math.tanh(x / 2) + (notT - t)) / 2 : p * notT - n * t;
  return {
    value: modulation * crossEntropy,
    grad: modulation * (ofModulation + pull),
  };
}

export interface FocalReferenceOptions {
  numClasses: number;
  alpha?: number | ArrayLike<number> | null;
  gamma?: number | ArrayLike<number>;
  labelSmoothing?: number;
  weights?: ArrayLike<number> | undefined;
}

export interface FocalReference {
  value: Float64Array;
  grad: Float64Array;
  sum: number;
  numPositives: number;
}

/** Unreduced value and gradient over [N, K]; rows that are ignored (label -2 or weight 0) are exactly zero. */
export function focalLossReference(
  logits: ArrayLike<number>,
  targets: Int32Array | Float32Array,
  options: FocalReferenceOptions,
): FocalReference {
  const { numClasses, alpha = 0.25, gamma = 2, labelSmoothing = 0, weights } = options;
  const result = {
    value: new Float64Array(logits.length),
    grad: new Float64Array(logits.length),
    sum: 0,
    numPositives: 0,
  };
  for (let i = 0; i < logits.length; i++) {
    const row = Math.floor(i / numClasses);
    const k = i % numClasses;
    const byLabel = targets instanceof Int32Array;
    const label = byLabel ? targets[row]! : 0;
    const weight = label === -2 ? 0 : (weights?.[row] ?? 1);
    if (weight === 0) continue;
    const ofRow = byLabel ? [] : targets.subarray(row * numClasses, (row + 1) * numClasses);
    if (k === 0 && (byLabel ? label >= 0 : ofRow.some((t) => t > 0))) result.numPositives++;
    const target = byLabel ? Number(label === k) : targets[i]!;
    const element = focalElement(
      logits[i]!,
      target,
      typeof alpha === 'object' && alpha !== null ? alpha[k]! : alpha,
      typeof gamma === 'number' ? gamma : gamma[k]!,
      labelSmoothing,
    );
    result.value[i] = weight * element.value;
    result.grad[i] = weight * element.grad;
    result.sum += result.value[i]!;
  }
  return result;
}
