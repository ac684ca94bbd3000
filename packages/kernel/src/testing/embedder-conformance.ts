import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Embedder, EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';

export interface EmbedderUnderTest {
  open(): Promise<Embedder>;
  /** How far vectors of the same text may differ that were made in different company. */
  readonly tolerance: number;
  readonly runs: number;
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.lorem({ maxCount: 12 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** What whoever uses an embedder relies on, whichever it is. */
export function exerciseEmbedder(name: string, { open, tolerance, runs }: EmbedderUnderTest): void {
  async function opened(): Promise<Embedder> {
    const embedder = await open();
    onTestFinished(() => embedder.close());
    return embedder;
  }

  describe(`what is relied on of ${name}`, () => {
    test('each text gets its own vector, of length 1, in the order of the texts', async () => {
      const embedder = await opened();
      const meant = fc.array(
        text.filter((one) => one.trim() !== ''),
        { minLength: 1, maxLength: 12 },
      );
      await fc.assert(
        fc.asyncProperty(meant, async (texts) => {
          const together = await embedder.embed(texts);
          expect(together.length).toBe(texts.length);
          for (const [at, vector] of together.entries()) {
            expect(vector).toBeInstanceOf(Float32Array);
            expect(vector.length).toBe(embedder.dimension);
            expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
            const [alone] = await embedder.embed([texts[at]!]);
            expect(farthest(vector, alone!)).toBeLessThanOrEqual(tolerance);
          }
        }),
        { numRuns: runs },
      );
    });

    test('texts that have nothing in common have other vectors', async () => {
      const [one, other] = await (await opened()).embed(['invoice of the customer', 'weather at sea']);
      expect(dot(one!, other!)).toBeLessThan(0.6);
    });

    test('no texts have no vectors', async () => {
      expect(await (await opened()).embed([])).toEqual([]);
    });

    test('texts of nothing but white space are refused by number, and the others are not', async () => {
      const embedder = await opened();
      const fault = await embedder.embed(['a text', ' \n\u3000', 'another', '']).catch((thrown: unknown) => thrown);
      expect(fault).toBeInstanceOf(EmbeddingRefused);
      const { refused, vectors, message } = fault as EmbeddingRefused;
      expect(refused.map(({ index }) => index)).toEqual([1, 3]);
      expect(message).toMatch(/^text 1 cannot be embedded: .*white space, and 1 more$/);
      expect(vectors.map((vector) => vector?.length ?? null)).toEqual([
        embedder.dimension,
        null,
        embedder.dimension,
        null,
      ]);
    });

    test('half a surrogate pair is no hindrance', async () => {
      const [vector] = await (await opened()).embed(['a \ud800 b']);
      expect(Math.hypot(...vector!)).toBeCloseTo(1, 4);
    });

    test('whoever has called it off hears why', async () => {
      const embedder = await opened();
      const reason = new Error('enough');
      await expect(embedder.embed(['a text'], AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('when it is closed, it is unavailable; and it may be closed twice', async () => {
      const embedder = await opened();
      await embedder.close();
      await embedder.close();
      await expect(embedder.embed(['a text'])).rejects.toBeInstanceOf(EmbeddingUnavailable);
    });
  });
}

export function dot(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, at) => sum + value * other[at]!, 0);
}

function farthest(one: Float32Array, other: Float32Array): number {
  return one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
}
