import { expect, onTestFinished, test } from 'vitest';
import { ImpatientClock } from '../../testing/impatient-clock.ts';
import { LocalModelMissing, openEmbedder } from './open.ts';

function opened(choice: { url?: string; model?: string; apiKey?: string }, isInstalled = true) {
  const chosen = openEmbedder(
    { url: null, model: null, apiKey: null, timeoutMs: 1000, ...choice },
    { clock: new ImpatientClock(0), random: () => 0, changed: () => undefined, isLocalInstalled: () => isInstalled },
  );
  onTestFinished(() => chosen.embedder.close());
  return chosen;
}

test.each([
  [{ url: 'https://a.example/v1', model: 'm' }, true, 'openai:m'],
  [{ url: 'https://a.example/v1', model: 'local' }, true, 'openai:local'],
  [{}, true, 'local:universal-sentence-encoder-lite-en:1'],
  [{}, false, 'ngrams:1'],
  [{ model: 'local' }, true, 'local:universal-sentence-encoder-lite-en:1'],
  [{ model: 'ngrams' }, true, 'ngrams:1'],
  [{ model: 'ngrams' }, false, 'ngrams:1'],
])('%j, with the local model installed: %s, is %s', (choice, isInstalled, model) => {
  expect(opened(choice, isInstalled).embedder.model).toBe(model);
});

test('the local model is not silently replaced when it was asked for', () => {
  expect(() => opened({ model: 'local' }, false)).toThrow(LocalModelMissing);
});

test('it is said which one it is, and of an endpoint where, without what is secret', () => {
  const { told } = opened({ url: 'https://a.example/v1?key=s3cret', model: 'm', apiKey: 'sk-s3cret' });
  expect(told).toBe('the embedder is https://a.example/v1/embeddings');
  expect(opened({}, false).told).toContain(
    'n-grams, without a model: the packages of the local model are not installed',
  );
  expect(opened({}).told).toBe('the embedder is the local model');
});

test.each([
  ['https://a.example/v1', null],
  ['http://127.0.0.1:11434/v1', null],
  ['http://localhost:11434/v1', null],
  ['http://[::1]:11434/v1', null],
  ['http://a.example/v1', 'COLONY_EMBEDDINGS_URL is not https'],
  ['http://127.0.0.1.example/v1', 'COLONY_EMBEDDINGS_URL is not https'],
])('%s: whether others can read what is sent', (url, warning) => {
  const found = opened({ url, model: 'm', apiKey: 'k' }).warning;
  if (warning === null) expect(found).toBeNull();
  else expect(found).toContain(warning);
});
