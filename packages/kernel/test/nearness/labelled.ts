import { readdirSync, readFileSync } from 'node:fs';
import type { Embedder } from '../../src/core/embedder.ts';
import { Random } from '../../src/testing/random.ts';

/** A task's description, and the kind of work it is. */
export interface Labelled {
  readonly kind: string;
  readonly text: string;
  readonly vector: Float32Array;
}

const KINDS = new URL('kinds/', import.meta.url);

/** Each kind in two halves, drawn once and for all: one to find out with what works, the other to find out how well. */
export async function labelled(embedder: Embedder, half: 'tuning' | 'held out'): Promise<Map<string, Labelled[]>> {
  const all = new Map<string, Labelled[]>();
  const random = new Random(1);
  for (const file of readdirSync(KINDS).sort()) {
    const kind = file.slice(0, file.indexOf('.'));
    const texts = shuffled(readFileSync(new URL(file, KINDS), 'utf8').trim().split('\n'), random);
    const middle = texts.length / 2;
    const some = half === 'tuning' ? texts.slice(0, middle) : texts.slice(middle);
    const vectors = await embedder.embed(some);
    all.set(
      kind,
      some.map((text, at) => ({ kind, text, vector: vectors[at]! })),
    );
  }
  return all;
}

export function shuffled<T>(all: readonly T[], random: Random): T[] {
  const mixed = [...all];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = random.between(0, at);
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}
