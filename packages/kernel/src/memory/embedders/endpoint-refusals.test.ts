import { describe, expect, test } from 'vitest';
import { dot } from '../../testing/embedder-conformance.ts';
import { KEY, opened, refused, unavailable } from '../../testing/endpoint-under-test.ts';
import {
  answerWell,
  answerWith,
  type Behaviour,
  FakeEmbeddings,
  fakeVector,
  refuse,
} from '../../testing/fake-embeddings.ts';

const texts = Array.from({ length: 60 }, (_, n) => `text ${n}`);

/** Refuses requests with certain texts, as an endpoint does that cannot say which of them it was. */
function without(word: string, status: number): Behaviour {
  return (asked, response) => {
    if (asked.texts.some((text) => text.includes(word))) refuse(response, status, 'one is too long');
    else answerWell(asked, response);
  };
}

describe('a text that is refused does not harm the others', () => {
  test.each([400, 413, 422, 500])('%s', async (status) => {
    const { endpoint, embedder } = await opened(without('bad', status));
    const callers = texts.map((text, at) => embedder.embed([at === 0 || at === 40 ? `bad ${text}` : text]));
    const bad = await Promise.all([0, 40].map((at) => refused(callers[at]!)));
    for (const { refused: which, vectors, message } of bad) {
      expect(which.map(({ index }) => index)).toEqual([0]);
      expect(vectors).toEqual([null]);
      expect(message).toBe(`text 0 cannot be embedded: the endpoint answered ${status} "one is too long"`);
    }
    for (const [at, caller] of callers.entries()) {
      if (at === 0 || at === 40) continue;
      expect(dot((await caller)[0]!, fakeVector(texts[at]!))).toBeCloseTo(1, 5);
    }
    // Twice down the halves of 60, and a few more to be sure.
    expect(endpoint.asked.length).toBeLessThan(32);
  });

  test('and the caller who has both is told which it was, and gets what the others have', async () => {
    const { embedder } = await opened(without('bad', 400));
    const { refused: which, vectors } = await refused(embedder.embed(['a', 'bad', '', 'b']));
    expect(which.map(({ index }) => index)).toEqual([1, 2]);
    expect(vectors.map((vector) => vector !== null)).toEqual([true, false, false, true]);
    expect(dot(vectors[3]!, fakeVector('b'))).toBeCloseTo(1, 5);
  });

  test('nor does one that gets a vector of no use', async () => {
    const { embedder } = await opened(({ texts: asked }, response) =>
      answerWith(response, {
        data: asked.map((text) => ({ embedding: text === 'bad' ? [0, 0] : [1, 1] })),
      }),
    );
    const { refused: which } = await refused(embedder.embed(['a', 'bad']));
    expect(which).toEqual([{ index: 1, reason: 'its vector is all zeros' }]);
    expect((await refused(embedder.embed(['bad']))).refused).toHaveLength(1);
  });
});

describe('no text is blamed for what the endpoint does to all of them', () => {
  test('when it refuses everything', async () => {
    const { endpoint, embedder } = await opened((_, response) => refuse(response, 400, 'no such model'));
    const { message } = await unavailable(embedder.embed(texts));
    expect(message).toContain('refuses every text: the endpoint answered 400 "no such model"');
    // The batch, and a harmless text; not one text after the other.
    expect(endpoint.asked).toHaveLength(2);
  });

  test('when it fails on everything', async () => {
    const { embedder } = await opened((_, response) => refuse(response, 500, 'out of memory'));
    expect((await unavailable(embedder.embed(['a']))).message).toContain('answered 500 "out of memory"');
  });

  test('when all its vectors are of no use', async () => {
    const { embedder } = await opened(({ texts: asked }, response) =>
      answerWith(response, { data: asked.map(() => ({ embedding: [0, 0] })) }),
    );
    expect((await unavailable(embedder.embed(['a']))).message).toContain('has no vector for any text');
  });

  test.each([400, 500])('when it begins to answer %s to everything while the one is looked for', async (status) => {
    let down = false;
    const { endpoint, embedder } = await opened((asked, response) => {
      down ||= asked.texts.length === 8;
      if (down || asked.texts.includes('bad')) refuse(response, status);
      else answerWell(asked, response);
    });
    const all = [...texts.slice(0, 59), 'bad'];
    expect((await unavailable(embedder.embed(all))).message).toContain(`answered ${status}`);
    endpoint.behave = without('bad', status);
    await embedder.embed(['a']);
    const { refused: which } = await refused(embedder.embed(all));
    expect(which.map(({ index }) => index)).toEqual([59]);
  });

  test('when it failed and is back by now', async () => {
    const { embedder } = await opened((asked, response, nth) =>
      nth <= 4 ? refuse(response, 500) : answerWell(asked, response),
    );
    expect(await embedder.embed(['a'])).toHaveLength(1);
  });
});

describe('an answer that cannot be right is not taken', () => {
  test.each([
    ['not JSON', '<html>', 'is not JSON: "<html>"'],
    ['too few vectors', { data: [] }, 'has 0 vectors for 1 texts'],
    ['the key, repeated', `what is ${KEY}?`, 'is not JSON: "what is …?"'],
  ])('%s', async (_, body, message) => {
    const { embedder } = await opened((_asked, response) => answerWith(response, body));
    const fault = await unavailable(embedder.embed(['a']));
    expect(fault.message).toContain(`cannot be understood: its answer ${message}`);
  });

  test.each([200, 400, 401, 503])('the key, where what is shown of %s ends in the middle of it', async (status) => {
    for (const before of [100, 110, 117, 119]) {
      const { embedder } = await opened((_asked, response) =>
        answerWith(response, `${'x'.repeat(before)} ${KEY} ${KEY}`, status),
      );
      const fault = await unavailable(embedder.embed(['a']));
      expect(fault.message).toContain('xxx');
      expect(fault.message).not.toMatch(/x sk?-?/);
    }
  });

  test('vectors of another length than before', async () => {
    const lengths = [3, 3, 4];
    const { embedder } = await opened((_, response, nth) =>
      answerWith(response, { data: [{ embedding: Array(lengths[nth - 1] ?? 4).fill(1) }] }),
    );
    await embedder.embed(['a']);
    expect(embedder.dimension).toBe(3);
    await embedder.embed(['b']);
    const { message } = await unavailable(embedder.embed(['c']));
    expect(message).toContain('has vectors of length 4, and until now they had 3');
    expect(embedder.dimension).toBe(3);
  });

  test('but are taken for those of another model when they go on', async () => {
    let length = 3;
    const { clock, embedder, told } = await opened(({ texts: asked }, response) =>
      answerWith(response, { data: asked.map(() => ({ embedding: Array(length).fill(1) })) }),
    );
    await embedder.embed(['a']);
    length = 4;
    await unavailable(embedder.embed(['b']));
    expect((await unavailable(embedder.embed(['b']))).message).toContain('has vectors of length 4, and until now');
    expect(embedder.dimension).toBe(3);
    clock.pass(15_000);
    expect(await embedder.embed(['b'])).toEqual([Float32Array.of(0.5, 0.5, 0.5, 0.5)]);
    expect(embedder.dimension).toBe(4);
    expect(told).toEqual([expect.stringContaining('has vectors of length 4'), null]);
  });

  test('numbers in base64 are, in any order', async () => {
    const { embedder } = await opened(({ texts: asked }, response) => {
      const data = asked.map((text, index) => ({
        index,
        embedding: Buffer.from(fakeVector(text).buffer).toString('base64'),
      }));
      answerWith(response, { data: data.reverse() });
    });
    const vectors = await embedder.embed(['a', 'b', 'c']);
    for (const [at, text] of ['a', 'b', 'c'].entries()) expect(dot(vectors[at]!, fakeVector(text))).toBeCloseTo(1, 5);
  });
});

describe('redirects', () => {
  test('are followed within the origin', async () => {
    const { endpoint, embedder } = await opened((asked, response) =>
      asked.path === '/v2' ? answerWell(asked, response) : answerWith(response, '', 308, { location: '/v2' }),
    );
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(endpoint.asked.map(({ path }) => path)).toEqual(['/v1/embeddings', '/v2']);
  });

  test('are not followed elsewhere: neither texts nor key go there', async () => {
    const { endpoint, embedder } = await opened();
    const elsewhere = await FakeEmbeddings.start();
    endpoint.behave = (_, response) =>
      answerWith(response, '', 307, { location: `${elsewhere.url}/embeddings?secret=1` });
    const { message } = await unavailable(embedder.embed(['a']));
    expect(message).toContain(`redirects to ${elsewhere.url}/embeddings, which is another origin`);
    expect(elsewhere.asked).toHaveLength(0);
    await elsewhere.stop();
  });

  test.each([
    ['/v1/embeddings', 308, 'redirects again and again'],
    ['', 302, 'answered 302'],
    ['/v2', 303, 'answered 303'],
  ])('to %j with %s come to an end', async (location, status, message) => {
    const { embedder } = await opened((_, response) =>
      answerWith(response, '', status, location === '' ? {} : { location }),
    );
    expect((await unavailable(embedder.embed(['a']))).message).toContain(message);
  });
});

describe('an endpoint that does not work is left alone', () => {
  test('for a while, in which nobody waits for it; and then one tries', async () => {
    const { clock, endpoint, embedder, told } = await opened((_, response) => refuse(response, 503, 'down'));
    await unavailable(embedder.embed(['a']));
    await unavailable(embedder.embed(['a']));
    expect(endpoint.asked).toHaveLength(5);
    const fault = await unavailable(embedder.embed(['a']));
    expect(fault.message).toContain('answered 503 "down"');
    expect(fault.retryAfterMs).toBe(15_000);
    expect(endpoint.asked).toHaveLength(5);
    expect(told).toEqual([fault.message]);

    clock.pass(15_000);
    await unavailable(embedder.embed(['a']));
    expect(endpoint.asked).toHaveLength(6);

    endpoint.behave = answerWell;
    clock.pass(30_000);
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(told).toEqual([fault.message, null]);
  });

  test('also when it hangs, and whoever looked for something gave up', async () => {
    const { clock, endpoint, embedder, told } = await opened(() => undefined);
    const late = async () => {
      const abort = new AbortController();
      const embedding = embedder.embed(['a'], abort.signal, true);
      const asked = endpoint.asked.length;
      await expect.poll(() => endpoint.asked.length).toBe(asked + 1);
      clock.pass(4500);
      abort.abort(new Error('enough'));
      await expect(embedding).rejects.toThrow('enough');
    };
    for (let times = 1; times <= 5; times++) await late();
    const fault = await unavailable(embedder.embed(['a']));
    expect(fault.message).toContain('did not answer as long as somebody waited for it');
    expect(told).toEqual([fault.message]);
    clock.pass(15_000);
    await late();
    expect(endpoint.asked.at(-1)!.texts).toEqual(['ok']);
    expect((await unavailable(embedder.embed(['a']))).retryAfterMs).toBe(30_000);
  });

  test('and is not tried with a text on which it may fail for ever', async () => {
    const { clock, endpoint, embedder } = await opened((_, response) => refuse(response, 500));
    await unavailable(embedder.embed(['bad']));
    await unavailable(embedder.embed(['bad']));
    endpoint.behave = without('bad', 500);
    clock.pass(15_000);
    await refused(embedder.embed(['bad']));
    expect(await embedder.embed(['a'])).toHaveLength(1);
  });
});
