import { expect, onTestFinished } from 'vitest';
import { EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { EndpointEmbedder, type EndpointOptions } from '../memory/embedders/endpoint-embedder.ts';
import { answerWell, type Behaviour, FakeEmbeddings } from './fake-embeddings.ts';
import { ImpatientClock } from './impatient-clock.ts';

/** Far above what is waited between attempts, so that it comes only when a test says so. */
export const TIMEOUT_MS = 600_000;
export const KEY = 'sk-s3cret';

/** An embedder and the endpoint that it asks, until the end of the test. */
export async function opened(behave: Behaviour = answerWell, more: Partial<EndpointOptions> = {}) {
  const endpoint = await FakeEmbeddings.start(behave);
  const clock = new ImpatientClock(TIMEOUT_MS);
  const told: (string | null)[] = [];
  const embedder = new EndpointEmbedder({
    url: endpoint.url,
    model: 'm',
    apiKey: KEY,
    timeoutMs: TIMEOUT_MS,
    clock,
    random: () => 1,
    changed: (problem) => void told.push(problem),
    ...more,
  });
  onTestFinished(async () => {
    await embedder.close();
    await endpoint.stop();
  });
  return { endpoint, clock, told, embedder };
}

async function faultOf(promise: Promise<unknown>): Promise<EmbeddingUnavailable | EmbeddingRefused> {
  const fault = await promise.then(
    () => new Error('it did not fail'),
    (thrown: Error) => thrown,
  );
  if (fault instanceof EmbeddingUnavailable || fault instanceof EmbeddingRefused) return fault;
  throw fault;
}

export async function unavailable(promise: Promise<unknown>): Promise<EmbeddingUnavailable> {
  const fault = await faultOf(promise);
  expect(fault).toBeInstanceOf(EmbeddingUnavailable);
  return fault as EmbeddingUnavailable;
}

export async function refused(promise: Promise<unknown>): Promise<EmbeddingRefused> {
  const fault = await faultOf(promise);
  expect(fault).toBeInstanceOf(EmbeddingRefused);
  return fault as EmbeddingRefused;
}
