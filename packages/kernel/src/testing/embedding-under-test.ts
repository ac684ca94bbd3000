import { onTestFinished } from 'vitest';
import { EmbeddingDesk } from '../body/embedding-desk.ts';
import { type Embedder, EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { type MemoryEntry, memoryFrom, memoryScopeFrom } from '../core/memory.ts';
import { Pipeline } from './pipeline.ts';

export const ANY = { match: null, absent: false } as const;

/** A model that does what it is told: by turns it answers, is away, hangs, or refuses texts with `bad` in them. */
export class FakeModel implements Embedder {
  readonly model: string;
  dimension = 2;
  readonly asked: (readonly string[])[] = [];
  /** Texts that somebody waited for. */
  readonly awaited: (readonly string[])[] = [];
  does: 'answer' | 'be away' | 'hang' | 'break' = 'answer';
  /** A word in texts on which it fails, without saying that it was that. */
  poison = 'poison';

  constructor(model = 'fake:1') {
    this.model = model;
  }

  async embed(texts: readonly string[], signal?: AbortSignal, isAwaited = false): Promise<readonly Float32Array[]> {
    (isAwaited ? this.awaited : this.asked).push(texts);
    if (this.does === 'be away' || texts.some((text) => text.includes(this.poison)))
      throw new EmbeddingUnavailable('it is away', 1000);
    if (this.does === 'break') throw new TypeError('a bug');
    if (this.does === 'hang') {
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    }
    const vectors = texts.map((text) => (text.includes('bad') ? null : this.#vector(text)));
    const refused = texts.flatMap((text, index) => (text.includes('bad') ? [{ index, reason: 'it is bad' }] : []));
    if (refused.length > 0) throw new EmbeddingRefused(refused, vectors);
    return vectors as Float32Array[];
  }

  #vector(text: string): Float32Array {
    return Float32Array.from({ length: this.dimension }, (_, at) => (at === 0 ? text.length : 1));
  }

  async close(): Promise<void> {}
}

export async function scene(embedder = new FakeModel()) {
  const pipeline = await Pipeline.open();
  const { store, clock } = pipeline;
  const faults: unknown[] = [];
  const open = (model: Embedder) => {
    const execute = pipeline.run.bind(pipeline);
    const desk = new EmbeddingDesk({ store, clock, embedder: model, execute, onFault: (error) => faults.push(error) });
    onTestFinished(() => desk.stop());
    return desk;
  };
  const desk = open(embedder);
  const put = async (key: string, text: string | null, scope = 's') => {
    const item = { key, value: '1', metadata: {}, text, vector: null, hash: 'h', ttlMs: null, path: '' };
    await pipeline.run({ kind: 'put_memory', actor: 'ann', scope, items: [item], condition: ANY });
    const document = await store.document('memory', `${scope}/${key}`);
    return document!;
  };
  const entry = async (key: string, scope = 's'): Promise<MemoryEntry> =>
    memoryFrom((await store.document('memory', `${scope}/${key}`))!);
  /** How many texts each model knows, by its name and the length of its vectors. */
  const models = async (scope = 's') => memoryScopeFrom((await store.document('memory_scope', scope))!).embedded;
  return { pipeline, embedder, desk, open, put, entry, models, faults };
}

/** What nobody waits for is answered only when the gate is opened. */
export function holdingBack(model: FakeModel): PromiseWithResolvers<void> {
  const gate = Promise.withResolvers<void>();
  const embed = model.embed.bind(model);
  model.embed = async (texts, signal, isAwaited) => {
    const vectors = await embed(texts, signal, isAwaited);
    if (isAwaited !== true) await gate.promise;
    return vectors;
  };
  return gate;
}
