/** torch's smooth L1 of one difference: quadratic below `beta`, plain L1 at beta 0 (gradient 0 at 0). */
export function smoothL1Element(difference: number, beta: number): { value: number; grad: number } {
  const size = Math.abs(difference);
  if (size < beta) return { value: (0.5 * size * size) / beta, grad: difference / beta };
  return { value: size - 0.5 * beta, grad: Math.sign(difference) };
}

/** Value and gradient of each element, times the weight of its row. */
export function smoothL1Reference(
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  { beta = 1, weights }: { beta?: number; weights?: ArrayLike<number> | undefined } = {},
) {
  const width = predictions.length / (weights?.length || 1);
  const elements = Array.from(predictions, (v, i) => {
    const weight = weights === undefined ? 1 : weights[Math.floor(i / width)]!;
    const { value, grad } = smoothL1Element(v - targets[i]!, beta);
    return weight === 0 ? { value: 0, grad: 0 } : { value: weight * value, grad: weight * grad };
  });
  return { value: elements.map(({ value }) => value), grad: elements.map(({ grad }) => grad) };
}
