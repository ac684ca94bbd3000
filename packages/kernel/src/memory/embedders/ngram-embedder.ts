import { setImmediate as turn } from 'node:timers/promises';
import { type Embedder, EmbeddingUnavailable } from '../../core/embedder.ts';
import { NGRAMS_DIMENSION, NGRAMS_MODEL, ngramVector } from './ngrams.ts';
import { vectorsOf } from './verdict.ts';

/** So many characters take about 10 ms, of writing without spaces up to 90. Then others have their turn; a text is not parted. */
const CHARACTERS_AT_ONCE = 16_384;

/** The embedder without a model; see `ngrams.ts`. */
export class NgramEmbedder implements Embedder {
  readonly model = NGRAMS_MODEL;
  readonly dimension = NGRAMS_DIMENSION;
  #closed = false;

  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]> {
    return vectorsOf(texts, async (meant) => {
      const vectors: Float32Array[] = [];
      let characters = 0;
      for (const text of meant) {
        if (this.#closed) throw new EmbeddingUnavailable('the embedder is closed', 0);
        signal?.throwIfAborted();
        vectors.push(ngramVector(text));
        characters += text.length;
        if (characters < CHARACTERS_AT_ONCE) continue;
        characters = 0;
        await turn();
      }
      return vectors;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
