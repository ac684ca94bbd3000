import { describe, expect, test } from 'vitest';
import { dot, exerciseEmbedder } from '../../testing/embedder-conformance.ts';
import { KEY, opened, unavailable } from '../../testing/endpoint-under-test.ts';
import {
  answerWell,
  answerWith,
  type Behaviour,
  FakeEmbeddings,
  fakeVector,
  refuse,
} from '../../testing/fake-embeddings.ts';
import { ImpatientClock } from '../../testing/impatient-clock.ts';

const texts = Array.from({ length: 150 }, (_, n) => `text ${n}`);

/** The conformance suite wants the length known from the start: an endpoint tells it with its first answer. */
exerciseEmbedder('an endpoint', {
  open: async () => {
    const { embedder } = await opened();
    await embedder.embed(['ok']);
    return embedder;
  },
  tolerance: 1e-6,
  runs: 30,
});

describe('what is sent', () => {
  test('the model, the texts, and the key in its header only', async () => {
    const { clock, endpoint, embedder } = await opened();
    expect(embedder.model).toBe('openai:m');
    expect(embedder.dimension).toBeNull();
    await embedder.embed(['a', 'b']);
    expect(endpoint.asked).toEqual([
      { path: '/v1/embeddings', authorization: `Bearer ${KEY}`, model: 'm', texts: ['a', 'b'] },
    ]);
    expect(embedder.dimension).toBe(512);
    expect(clock.deadlines).toBe(0);
  });

  test('no half of a surrogate pair, which is no text', async () => {
    const { endpoint, embedder } = await opened();
    await embedder.embed(['a \ud800 b']);
    expect(endpoint.asked[0]!.texts).toEqual(['a \ufffd b']);
  });

  test('no key where there is none', async () => {
    const { endpoint, embedder } = await opened(answerWell, { apiKey: null });
    await embedder.embed(['a']);
    expect(endpoint.asked[0]!.authorization).toBeUndefined();
  });

  test('many callers share few requests, and each gets its own', async () => {
    const { endpoint, embedder } = await opened();
    const vectors = await Promise.all(texts.map((text) => embedder.embed([text])));
    for (const [at, [vector]] of vectors.entries()) expect(dot(vector!, fakeVector(texts[at]!))).toBeCloseTo(1, 5);
    expect(endpoint.asked.map((asked) => asked.texts.length).sort()).toEqual([22, 64, 64]);
  });
});

describe('it is tried again', () => {
  test('as long as the endpoint asks for, when it has had too much', async () => {
    const { clock, embedder } = await opened((asked, response, nth) =>
      nth === 1 ? refuse(response, 429, 'slow down', { 'retry-after': '7' }) : answerWell(asked, response),
    );
    await embedder.embed(['a']);
    expect(clock.waits).toEqual([7500]);
  });

  test('after waits that double, each a random part of the longest', async () => {
    const { clock, endpoint, embedder } = await opened((asked, response, nth) =>
      nth < 4 ? refuse(response, 503) : answerWell(asked, response),
    );
    await embedder.embed(['a']);
    expect(clock.waits).toEqual([500, 1000, 2000]);
    expect(endpoint.asked).toHaveLength(4);
  });

  test.each([
    ['it closes the connection', (response: Parameters<Behaviour>[1]) => response.destroy()],
    [
      'it closes the connection in the middle of its answer',
      (response: Parameters<Behaviour>[1]) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"data":[', () => response.destroy());
      },
    ],
    ['it answers nonsense', (response: Parameters<Behaviour>[1]) => answerWith(response, '<html>')],
    ['it fails', (response: Parameters<Behaviour>[1]) => refuse(response, 500)],
  ])('when %s', async (_, misbehave) => {
    const { endpoint, embedder } = await opened((asked, response, nth) =>
      nth === 1 ? misbehave(response) : answerWell(asked, response),
    );
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(endpoint.asked).toHaveLength(2);
  });

  test('a bounded number of times, and then it says what was wrong', async () => {
    const { endpoint, embedder } = await opened((_, response) => refuse(response, 503, 'overloaded'));
    const fault = await unavailable(embedder.embed(['a']));
    expect(fault.message).toBe(`${endpoint.url}/embeddings answered 503 "overloaded"`);
    expect(fault.retryAfterMs).toBe(8000);
    expect(endpoint.asked).toHaveLength(4);
  });

  test('but not when that would take too long', async () => {
    const { endpoint, embedder, told } = await opened((_, response) =>
      refuse(response, 429, 'quota', { 'retry-after': '3600' }),
    );
    const fault = await unavailable(embedder.embed(['a']));
    expect(fault.retryAfterMs).toBe(3_600_000);
    expect(told).toEqual([fault.message]);
    await unavailable(embedder.embed(['b']));
    expect(endpoint.asked).toHaveLength(1);
  });

  test.each([
    [401, 'is COLONY_EMBEDDINGS_API_KEY right?'],
    [403, 'is COLONY_EMBEDDINGS_API_KEY right?'],
    [404, 'are COLONY_EMBEDDINGS_URL and COLONY_EMBEDDINGS_MODEL right?'],
  ])('nor when it is of no use: %s', async (status, hint) => {
    const { endpoint, embedder } = await opened((_, response) => refuse(response, status, `not you, ${KEY}`));
    const { message } = await unavailable(embedder.embed(['a']));
    expect(message).toContain(hint);
    expect(message).toContain('"not you, …"');
    expect(message).not.toContain(KEY);
    expect(endpoint.asked).toHaveLength(1);
  });
});

describe('it never hangs', () => {
  test.each([
    ['says nothing', () => undefined],
    [
      'begins an answer that never ends',
      (response: Parameters<Behaviour>[1]) => {
        response.writeHead(200);
        response.write('{"data":[');
      },
    ],
  ])('on an endpoint that %s', async (_, misbehave) => {
    const { clock, endpoint, embedder } = await opened((_asked, response) => misbehave(response));
    const embedding = unavailable(embedder.embed(['a']));
    for (let made = 1; made <= 4; made++) {
      await expect.poll(() => endpoint.asked.length).toBe(made);
      clock.expire();
    }
    expect((await embedding).message).toContain('did not answer within 600 s');
    expect(clock.deadlines).toBe(0);
  });

  test('on one that answers without end', async () => {
    const { embedder } = await opened((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(' '.repeat(1 << 16))) {}
      };
      response.writeHead(200).on('drain', more);
      more();
    });
    expect((await unavailable(embedder.embed(['a']))).message).toContain('answered with more than 294912 bytes');
  });

  test('when it is called off', async () => {
    const closed = Promise.withResolvers<void>();
    const { endpoint, embedder } = await opened((_, response) => void response.on('close', () => closed.resolve()));
    const abort = new AbortController();
    const embedding = embedder.embed(['a'], abort.signal);
    await expect.poll(() => endpoint.asked.length).toBe(1);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(embedding).rejects.toBe(reason);
    await closed.promise;
  });

  test('when it is called off between two attempts', async () => {
    // Here even the wait between them is one that does not end by itself.
    const clock = new ImpatientClock(1);
    const { endpoint, embedder } = await opened((_, response) => refuse(response, 503), { clock });
    const abort = new AbortController();
    const embedding = embedder.embed(['a'], abort.signal);
    await expect.poll(() => clock.set).toBe(2);
    abort.abort(new Error('enough'));
    await expect(embedding).rejects.toThrow('enough');
    await expect.poll(() => clock.deadlines).toBe(0);
    expect(endpoint.asked).toHaveLength(1);
  });

  test('and to be called off is not held against the endpoint', async () => {
    const { endpoint, embedder, told } = await opened(() => undefined);
    for (let times = 1; times <= 6; times++) {
      const abort = new AbortController();
      const embedding = embedder.embed(['a'], abort.signal);
      await expect.poll(() => endpoint.asked.length).toBe(times);
      abort.abort(new Error('enough'));
      await expect(embedding).rejects.toThrow('enough');
    }
    endpoint.behave = answerWell;
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(told).toEqual([]);
  });

  test('when it is closed', async () => {
    const { endpoint, embedder } = await opened(() => undefined);
    const embedding = unavailable(embedder.embed(['a']));
    await expect.poll(() => endpoint.asked.length).toBe(1);
    await embedder.close();
    expect((await embedding).message).toBe('the embedder is closed');
  });

  test('where nobody listens', async () => {
    const gone = await FakeEmbeddings.start();
    const { url } = gone;
    await gone.stop();
    const { embedder } = await opened(answerWell, { url });
    expect((await unavailable(embedder.embed(['a']))).message).toBe(
      `${url}/embeddings cannot be reached: ECONNREFUSED`,
    );
  });
});
