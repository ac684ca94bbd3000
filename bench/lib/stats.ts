/** The value below which `share` (0..1) of all lie. Sorts a copy. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)]!;
  const high = sorted[Math.ceil(place)]!;
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median of the ratios of values that were measured right after each other: drift of the machine cancels out. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, index) => value / theirs[index]!));
}

/** Milliseconds since 1970 with a fraction; the same scale in every process of the machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

const THREE_DIGITS = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** Three digits, since the others are noise: `12,300`, `0.46`. */
export function show(value: number): string {
  return Number.isFinite(value) ? THREE_DIGITS.format(value) : '–';
}
