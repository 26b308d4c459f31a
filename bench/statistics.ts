// Means, spreads, and the paired t-test.

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample; NaN where there is one value. */
export function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

/** Two-sided p of the paired t-test that the differences have mean 0 (Student, 1908); NaN of fewer than two. */
export function pairedTest(differences: readonly number[]): number {
  const n = differences.length;
  if (n < 2) return NaN;
  const spread = deviation(differences);
  if (spread === 0) return mean(differences) === 0 ? 1 : 0;
  return 1 - within(Math.abs(mean(differences)) / (spread / Math.sqrt(n)), n - 1);
}

/** Probability that Student's t lies within +-t: the sums of Abramowitz and Stegun, 26.7.3 and 26.7.4. */
function within(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let [sum, term] = [0, isOdd ? cosine : 1];
  for (let k = isOdd ? 3 : 2; k <= freedom; k += 2) {
    sum += term;
    term *= ((k - 1) / k) * cosine ** 2;
  }
  return isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
