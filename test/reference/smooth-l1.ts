/** torch's smooth L1 of one difference: quadratic below `beta`, plain L1 at beta 0 (gradient 0 at 0). */
export function smoothL1Element(difference: number, beta: number): { value: number; grad: number } {
  const size = Math.abs(difference);
  if (size < beta) return { value: (0.5 * size * size) / beta, grad: difference / beta };
  return { value: size - 0.5 * beta, grad: Math.sign(difference) };
}
