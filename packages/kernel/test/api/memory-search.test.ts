/** Searching what agents remember, over HTTP. Whether what is found is right is held against all there is elsewhere. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isInstalled } from '../../src/memory/embedders/local/model.ts';
import { type Harness, type JsonValue, startColony } from './harness.ts';

const FACTS = [
  {
    key: 'refunds',
    text: 'Customers get their money back within 14 days.',
    metadata: { topic: 'billing', year: 2026 },
  },
  { key: 'invoices', text: 'Invoices are sent on the first day of each month.', metadata: { topic: 'billing' } },
  { key: 'passwords', text: 'A forgotten password is reset by a link in a mail.', metadata: { topic: 'accounts' } },
  { key: 'lunch', text: 'The canteen opens at noon.', metadata: {} },
].map((fact) => ({ ...fact, value: fact.text }));

async function withFacts(env = {}): Promise<Harness> {
  const colony = await startColony(env);
  expect((await colony.call('POST /memory/facts/batch', { items: FACTS })).status).toBe(200);
  return colony;
}

async function search({ call }: Harness, question: object, scope = 'facts'): Promise<JsonValue> {
  return (await call(`POST /memory/${scope}/search`, question)).json;
}

const keysOf = ({ matches }: JsonValue): string[] => matches.map(({ key }: { key: string }) => key);

test('a text is found by its words and by what it means, and each match says by what', async () => {
  const colony = await withFacts();
  const found = await search(colony, { text: 'password reset' });
  expect(found).toMatchObject({ embedder: 'ngrams:1', incomplete: 0, problem: null });
  const [first] = found.matches;
  expect(first).toMatchObject({ key: 'passwords', value: FACTS[2]!.text, version: 1, metadata: { topic: 'accounts' } });
  expect(first.score).toBeCloseTo(2 / 61, 9);
  expect(first.scores.vector).toBeGreaterThan(0.1);
  expect(first.scores.text).toBeGreaterThan(0);
  expect(found.matches).toHaveLength(4);
  const words = await search(colony, { text: 'MONEY of the canteen', mode: 'text' });
  expect(keysOf(words).sort()).toEqual(['lunch', 'refunds']);
  expect(words.embedder).toBeNull();
  expect(words.matches[0].score).toBe(words.matches[0].scores.text);
  const meaning = await search(colony, { text: 'passwords', mode: 'vector', top_k: 1 });
  expect(meaning.matches).toMatchObject([{ key: 'passwords', scores: { text: null } }]);
});

test('what was put a moment ago is found, and what was replaced, deleted or has expired is not', async () => {
  const colony = await startColony();
  const { call } = colony;
  for (let n = 0; n < 20; n++) {
    await call(`PUT /memory/s/k${n}`, { value: n, text: `number ${n} apple` });
    expect(keysOf(await search(colony, { text: `number ${n} apple`, top_k: 1 }, 's'))).toEqual([`k${n}`]);
  }
  await call('PUT /memory/s/k7', { value: 7, text: 'a pear' });
  await call('DELETE /memory/s/k8');
  await call('PUT /memory/s/k9', { value: 9, text: 'number apple', ttl_seconds: 0.05 });
  await expect.poll(async () => (await call('GET /memory/s/k9')).status).toBe(404);
  const found = keysOf(await search(colony, { text: 'apple', mode: 'text', top_k: 100 }, 's'));
  expect(found).toHaveLength(17);
  for (const gone of ['k7', 'k8', 'k9']) expect(found).not.toContain(gone);
});

test('a filter narrows it down, to what is equal in all of its fields', async () => {
  const colony = await withFacts();
  const text = 'money invoices password canteen';
  const filtered = async (filter: object) => keysOf(await search(colony, { text, filter })).sort();
  expect(await filtered({ topic: 'billing' })).toEqual(['invoices', 'refunds']);
  expect(await filtered({ topic: 'billing', year: 2026 })).toEqual(['refunds']);
  expect(await filtered({ topic: 'billing', year: '2026' })).toEqual([]);
  expect(await filtered({ nothing: 1 })).toEqual([]);
});

test('vectors that were put are compared with vectors, the nearest first', async () => {
  const colony = await startColony();
  const { call } = colony;
  const vectors = { east: [1, 0], north: [0, 2], northeast: [3, 3], west: [-1, 0] };
  for (const [key, vector] of Object.entries(vectors)) await call(`PUT /memory/map/${key}`, { value: key, vector });
  const { matches, embedder } = await search(colony, { vector: [2, 0.2] }, 'map');
  expect(matches.map(({ key }: { key: string }) => key)).toEqual(['east', 'northeast', 'north', 'west']);
  expect(matches[0].scores).toEqual({ vector: matches[0].score, text: null });
  expect(matches[0].score).toBeCloseTo(2 / Math.hypot(2, 0.2), 6);
  expect(matches[3].score).toBeLessThan(-0.9);
  expect(embedder).toBeNull();
  const wrong = await call('POST /memory/map/search', { vector: [1, 2, 3] });
  expect(wrong).toMatchObject({ status: 422, json: { errors: [{ path: '/vector' }] } });
  // A vector and words: whatever is high in either.
  await call('PUT /memory/map/sign', { value: 'sign', vector: [-2, 0], text: 'this way east' });
  expect(keysOf(await search(colony, { vector: [1, 0], text: 'east', top_k: 2 }, 'map')).sort()).toEqual([
    'east',
    'sign',
  ]);
});

test('a scope that is not there holds nothing, and nothing of another scope is found', async () => {
  const colony = await withFacts();
  expect(await search(colony, { text: 'money' }, 'elsewhere')).toMatchObject({ matches: [], incomplete: 0 });
  await colony.call('PUT /memory/facts2/k', { value: 1, text: 'money money money' });
  expect(keysOf(await search(colony, { text: 'money', mode: 'text' }))).toEqual(['refunds']);
});

test('after a rollback what was is found again, and what was not is not', async () => {
  const colony = await withFacts();
  const { call } = colony;
  const { checkpoint_id: id } = (await call('POST /system/checkpoint')).json;
  await call('PUT /memory/facts/refunds', { value: 1, text: 'no more refunds' });
  await call('DELETE /memory/facts/lunch');
  await call('PUT /memory/facts/new', { value: 1, text: 'money at noon' });
  expect(keysOf(await search(colony, { text: 'money noon', mode: 'text' }))).toEqual(['new']);
  await call(`POST /system/rollback/${id}`);
  expect(keysOf(await search(colony, { text: 'money noon', mode: 'text' })).sort()).toEqual(['lunch', 'refunds']);
  const meaning = () => search(colony, { text: 'the canteen opens at noon', mode: 'vector' });
  const matches = [{ key: 'lunch' }, {}, {}, {}];
  await expect.poll(meaning, { interval: 50 }).toMatchObject({ incomplete: 0, matches });
});

test('where values are large the best come, as many as an answer may hold, and how many more there are', async () => {
  const colony = await startColony();
  for (let n = 0; n < 40; n += 10) {
    const items = Array.from({ length: 10 }, (_, m) => ({
      ...{ key: `k${n + m}`, value: 'x'.repeat(262_000), text: 'bee '.repeat(n + m + 1) },
    }));
    expect((await colony.call('POST /memory/s/batch', { items })).status).toBe(200);
  }
  const all = await search(colony, { text: 'bee', mode: 'text', top_k: 40 }, 's');
  expect(all.matches).toHaveLength(32);
  expect(all.omitted).toBe(8);
  const few = await search(colony, { text: 'bee', mode: 'text', top_k: 31 }, 's');
  expect(few.omitted).toBe(0);
  expect(keysOf(few)).toEqual(keysOf(all).slice(0, 31));
});

test('what is asked for wrongly is told by field', async () => {
  const { call } = await startColony();
  const ask = async (question: object, scope = 's') => {
    const { status, json } = await call(`POST /memory/${scope}/search`, question);
    return [status, json.errors?.[0].path];
  };
  expect(await ask({})).toEqual([422, '/text']);
  expect(await ask({ vector: [1], mode: 'text' })).toEqual([422, '/text']);
  expect(await ask({ text: '' })).toEqual([422, '/text']);
  expect(await ask({ text: ' ', mode: 'vector' })).toEqual([422, '/text']);
  expect(await ask({ text: ' ' })).toEqual([200, undefined]);
  expect(await ask({ text: 'x', mode: 'magic' })).toEqual([422, '/mode']);
  expect(await ask({ text: 'x', top_k: 0 })).toEqual([422, '/top_k']);
  expect(await ask({ text: 'x', filter: [] })).toEqual([422, '/filter']);
  expect(await ask({ text: 'x', filter: { kind: 'x'.repeat(17_000) } })).toEqual([422, '/filter']);
  expect(await ask({ vector: [0, 0] })).toEqual([422, '/vector']);
  expect(await ask({ text: 'x' }, '-')).toEqual([422, 'path.scope']);
  for (const text of ['AND', '"', 'a* NEAR(b', "'; DROP TABLE", '\u{1f600}', 'x'.repeat(10_000)]) {
    expect(await ask({ text })).toEqual([200, undefined]);
  }
});

/** An endpoint that does not answer until it is let. */
async function endpoint(): Promise<{ url: string; release(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    await promise;
    const { input } = JSON.parse(body) as { input: string[] };
    const data = input.map((text, index) => ({ index, embedding: [text.length, 1, 0] }));
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
  }).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(() => {
    resolve();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, release: resolve };
}

test('an endpoint that hangs loses nothing: it is stored, found by its words, and later by what it means', async () => {
  const { url, release } = await endpoint();
  const env = { COLONY_EMBEDDINGS_URL: url, COLONY_EMBEDDINGS_MODEL: 'slow', COLONY_EMBEDDINGS_TIMEOUT_SECONDS: '1' };
  const colony = await withFacts(env);
  const found = await search(colony, { text: 'money' });
  expect(found).toMatchObject({ embedder: 'openai:slow', incomplete: 4, matches: [{ key: 'refunds' }] });
  expect(found.problem).toEqual(expect.any(String));
  const only = await colony.call('POST /memory/facts/search', { text: 'money', mode: 'vector' });
  expect(only).toMatchObject({ status: 503, json: { code: 'embedding_unavailable' } });
  const waiting = async () => (await colony.call('GET /metrics')).text.match(/^colony_texts_waiting (\d+)$/m)?.[1];
  expect(await waiting()).toBe('4');
  release();
  const later = async () => search(colony, { text: 'The canteen opens at noon!', mode: 'vector', top_k: 1 });
  await expect.poll(later, { timeout: 30_000, interval: 200 }).toMatchObject({ incomplete: 0, matches: [{}] });
  await expect.poll(waiting).toBe('0');
}, 60_000);

test('by a model of meaning a reimbursement finds the money back', async ({ skip }) => {
  skip(!isInstalled(), 'the packages of the local model are not installed');
  const colony = await withFacts({ COLONY_EMBEDDINGS_MODEL: 'local' });
  const first = async () =>
    keysOf(await search(colony, { text: 'reimbursement of a purchase', mode: 'vector', top_k: 1 }));
  await expect.poll(first, { timeout: 30_000, interval: 100 }).toEqual(['refunds']);
}, 60_000);
