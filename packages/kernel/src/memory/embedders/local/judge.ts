import { ngramVector } from '../ngrams.ts';
import { BatchRefused, settle } from '../settle.ts';
import { unit, type Verdict } from '../verdict.ts';
import { LOCAL_DIMENSION, type LocalModel } from './model.ts';
import { mixed, unreadShare } from './unread.ts';
import { LONGEST_LOCAL, type Window, windowsOf } from './windows.ts';

/** More at once are not faster, and need more memory. */
const WINDOWS_AT_ONCE = 8;

interface Place extends Window {
  /** Which of the texts it is of. */
  readonly at: number;
}

/** What the tokenizer makes of a sign that it does not know. */
const UNKNOWN = 0;

/**
 * The vectors of texts: of each the mean of its windows, by how many tokens they have. As much of a text as the model
 * cannot read, n-grams stand for. Throws when the model is broken.
 */
export function judge(model: LocalModel, texts: readonly string[]): Promise<Verdict[]> {
  return settle(texts, {
    ask: (some) => embedded(model, some),
    prove: async () => {
      await model.embed(['ok']);
    },
  });
}

async function embedded(model: LocalModel, texts: readonly string[]): Promise<Verdict[]> {
  try {
    const windows = texts.flatMap((text, at) =>
      windowsOf(text, (piece) => model.tokenizer.encode(piece).length).map((window): Place => ({ at, ...window })),
    );
    // The shorter ones of a batch are filled up to the length of its longest.
    windows.sort((a, b) => a.tokens - b.tokens);
    const sums = texts.map(() => new Float64Array(LOCAL_DIMENSION));
    for (let from = 0; from < windows.length; from += WINDOWS_AT_ONCE) {
      const some = windows.slice(from, from + WINDOWS_AT_ONCE);
      const vectors = await model.embed(some.map(({ text }) => text));
      for (const [n, { at, tokens }] of some.entries()) addTo(sums[at]!, vectors[n]!, tokens);
    }
    return sums.map((sum, at) => readable(model, texts[at]!, unit(sum)));
  } catch (fault) {
    throw new BatchRefused(`the model fails on it: ${(fault as Error).message}`, false);
  }
}

function readable({ tokenizer }: LocalModel, text: string, read: Verdict): Verdict {
  const seen = text.slice(0, LONGEST_LOCAL);
  const unread = unreadShare(seen, (sign) => !tokenizer.encode(sign).includes(UNKNOWN));
  return unread === 0 || typeof read === 'string' ? read : unit(mixed(read, ngramVector(seen), unread));
}

function addTo(sum: Float64Array, vector: readonly number[], weight: number): void {
  for (const [place, value] of vector.entries()) sum[place]! += value * weight;
}
