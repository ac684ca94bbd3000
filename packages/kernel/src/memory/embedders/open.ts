import type { Clock } from '../../core/clock.ts';
import type { Embedder } from '../../core/embedder.ts';
import { embeddingsUrl, shownUrl } from './endpoint/url.ts';
import { EndpointEmbedder } from './endpoint-embedder.ts';
import { isInstalled } from './local/model.ts';
import { LocalEmbedder } from './local-embedder.ts';
import { NgramEmbedder } from './ngram-embedder.ts';

export interface EmbedderChoice {
  readonly url: string | null;
  /** Of the endpoint. Without one: `local`, `ngrams`, or null for the better of what is there. */
  readonly model: string | null;
  readonly apiKey: string | null;
  readonly timeoutMs: number;
}

export interface EmbedderParts {
  readonly clock: Clock;
  /** From 0 up to 1, evenly. */
  readonly random: () => number;
  /** Told what is wrong when there will be no vectors for a while, and null when there are again. */
  readonly changed: (problem: string | null) => void;
  /** Whether the local model can be loaded. */
  readonly isLocalInstalled?: () => boolean;
}

export interface ChosenEmbedder {
  readonly embedder: Embedder;
  /** Where vectors come from, in plain words and without anything secret. */
  readonly told: string;
  /** What the operator may not want as it is; null: nothing. */
  readonly warning: string | null;
}

/** The packages of the local model are not there, though it was asked for. */
export class LocalModelMissing extends Error {
  override readonly name = 'LocalModelMissing';
}

/** The embedder that was asked for, or the best there is. It costs nothing until it is used. */
export function openEmbedder(choice: EmbedderChoice, parts: EmbedderParts): ChosenEmbedder {
  const { url, model, apiKey, timeoutMs } = choice;
  if (url !== null) {
    const embedder = new EndpointEmbedder({ url, model: model ?? '', apiKey, timeoutMs, ...parts });
    const target = embeddingsUrl(url);
    return { embedder, told: `the embedder is ${shownUrl(target)}`, warning: warningOf(target, apiKey) };
  }
  const installed = (parts.isLocalInstalled ?? isInstalled)();
  if (model === 'local' && !installed) throw new LocalModelMissing('its optional packages are not installed');
  if (model === 'ngrams' || !installed) {
    const why = model === 'ngrams' ? '' : ': the packages of the local model are not installed';
    return { embedder: new NgramEmbedder(), told: `the embedder is n-grams, without a model${why}`, warning: null };
  }
  return { embedder: new LocalEmbedder(parts), told: 'the embedder is the local model', warning: null };
}

const HERE = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

function warningOf({ protocol, hostname }: URL, apiKey: string | null): string | null {
  if (protocol === 'https:' || HERE.test(hostname)) return null;
  return `COLONY_EMBEDDINGS_URL is not https: others on the way can read texts${apiKey === null ? '' : ' and COLONY_EMBEDDINGS_API_KEY'}`;
}
