import { EmbeddingRefused, type RefusedText } from '../../core/embedder.ts';

/** What has become of a text: its vector, or why it has none and never will. */
export type Verdict = Float32Array | string;

const BLANK = 'it is empty, or nothing but white space';

/** The vectors of texts, as the port has it, where `judge` knows what becomes of those that are not blank. */
export async function vectorsOf(
  texts: readonly string[],
  judge: (texts: readonly string[]) => Promise<readonly Verdict[]>,
): Promise<readonly Float32Array[]> {
  // Half a surrogate pair is no text: it cannot be sent, nor hashed as UTF-8.
  const asked = texts.map((text) => (text.trim() === '' ? null : text.toWellFormed()));
  const meant = asked.filter((text) => text !== null);
  const judged = meant.length === 0 ? [] : await judge(meant);
  let next = 0;
  const verdicts = asked.map((text) => (text === null ? BLANK : judged[next++]!));
  const vectors = verdicts.map((verdict) => (typeof verdict === 'string' ? null : verdict));
  if (!vectors.includes(null)) return vectors as Float32Array[];
  throw new EmbeddingRefused(verdicts.flatMap(refusedAt), vectors);
}

function refusedAt(verdict: Verdict, index: number): RefusedText[] {
  return typeof verdict === 'string' ? [{ index, reason: verdict }] : [];
}

/** The vector as one of length 1, or what is wrong with it. */
export function unit(values: Iterable<unknown> & { readonly length: number }): Verdict {
  const vector = new Float32Array(values.length);
  let squares = 0;
  let at = 0;
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) return `its vector has ${shown(value)} at ${at}`;
    squares += value * value;
    vector[at++] = value;
  }
  const length = Math.sqrt(squares);
  if (length === 0) return 'its vector is all zeros';
  if (!Number.isFinite(length)) return 'its vector is too long for a number';
  at = 0;
  for (const value of values) vector[at++] = (value as number) / length;
  return vector;
}

function shown(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value);
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}
