import { STEP } from './dots.ts';

/**
 * A vector in small whole numbers: as good as the vector for telling which are far away, and a quarter of its size. How much is
 * lost is known, so what is found with them can be made exact: see `Matrix`.
 */

const CODE_LEVELS = 127;
const QUERY_LEVELS = 2047;
const MOST = 2 ** 31 - 1;

/** A vector of length 1 is close to its whole numbers times this. */
export interface Rounding {
  readonly scale: number;
  /** How long what lies between the two is. */
  readonly error: number;
}

/** How many numbers a row has for a vector of so many. */
export function strideOf(dimension: number): number {
  return Math.ceil(dimension / STEP) * STEP;
}

/** Finer than the rows, as fine as sums of 32 bits allow. */
export function queryLevels(stride: number): number {
  return Math.min(QUERY_LEVELS, Math.floor(MOST / (CODE_LEVELS * stride)));
}

/** Writes it at `at`; a vector that has no direction as zeros. @param length see `lengthOf` */
export function encode(
  vector: Float32Array,
  length: number,
  target: Int8Array | Int16Array,
  at: number,
  levels = CODE_LEVELS,
): Rounding {
  if (Number.isNaN(length)) return { scale: 0, error: 0 };
  let peak = 0;
  for (let n = 0; n < vector.length; n++) {
    const size = vector[n]! < 0 ? -vector[n]! : vector[n]!;
    if (size > peak) peak = size;
  }
  // The numbers of vectors are of 32 bits: none of this is beyond what 64 hold.
  const [unit, step] = [peak / length / levels, levels / peak];
  let lost = 0;
  for (let n = 0; n < vector.length; n++) {
    const exact = vector[n]! * step;
    // As good as rounding, and faster: what it is off by is counted.
    const code = exact < 0 ? (exact - 0.5) | 0 : (exact + 0.5) | 0;
    target[at + n] = code;
    lost += (exact - code) * (exact - code);
  }
  return { scale: unit, error: unit * Math.sqrt(lost) };
}
