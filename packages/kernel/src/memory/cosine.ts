/** The cosine of the angle between two vectors of one length; 0 where one of them has no direction. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [product, aa, bb] = [0, 0, 0];
  for (let n = 0; n < a.length; n++) {
    const [x, y] = [a[n]!, b[n]!];
    product += x * y;
    aa += x * x;
    bb += y * y;
  }
  const score = product / (Math.sqrt(aa) * Math.sqrt(bb));
  return Number.isNaN(score) ? 0 : Math.max(-1, Math.min(1, score));
}

/** How long it is; NaN where it has no direction. */
export function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const x of vector) sum += x * x;
  return sum > 0 && sum < Number.POSITIVE_INFINITY ? Math.sqrt(sum) : Number.NaN;
}
