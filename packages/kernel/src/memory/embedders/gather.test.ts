import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EmbeddingUnavailable } from '../../core/embedder.ts';
import { Gatherer, type GatherOptions } from './gather.ts';

const BOUNDS = { maxTexts: 4, maxCharacters: 20, maxAtOnce: 2, spare: 1, maxWaiting: 50, maxWaitingCharacters: 1000 };

/** What is under way, to be ended by the test. */
interface Sent {
  readonly texts: readonly string[];
  readonly signal: AbortSignal;
  end(fault?: Error): void;
}

function gatherer(bounds: Partial<GatherOptions> = {}): { gatherer: Gatherer; sent: Sent[] } {
  const sent: Sent[] = [];
  const send = (texts: readonly string[], signal: AbortSignal) =>
    new Promise<string[]>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      sent.push({
        texts,
        signal,
        end: (fault) => (fault ? reject(fault) : resolve(texts.map((text) => `of ${text}`))),
      });
    });
  return { gatherer: new Gatherer({ ...BOUNDS, send, ...bounds }), sent };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function outcome<T>(promise: Promise<T>): Promise<T | 'waits'> {
  await turn();
  return Promise.race([promise, turn().then(() => 'waits' as const)]);
}

test('each caller gets what is its own, in order; batches and how many there are at once keep to their bounds', async () => {
  const word = fc.string({ minLength: 1, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { maxLength: 8 }), async (calls) => {
      let atOnce = 0;
      const { gatherer: one } = gatherer({
        send: async (texts) => {
          atOnce += 1;
          expect(atOnce).toBeLessThanOrEqual(BOUNDS.maxAtOnce);
          expect(texts.length).toBeLessThanOrEqual(BOUNDS.maxTexts);
          if (texts.length > 1) expect(texts.join('').length).toBeLessThanOrEqual(BOUNDS.maxCharacters);
          await turn();
          atOnce -= 1;
          return texts.map((text) => `of ${text}`);
        },
      });
      const answers = await Promise.all(calls.map((texts) => one.verdicts(texts, undefined)));
      expect(answers).toEqual(calls.map((texts) => texts.map((text) => `of ${text}`)));
    }),
  );
});

test('those who ask at the same moment share a request, and who comes later shares the next', async () => {
  const { gatherer: one, sent } = gatherer({ maxAtOnce: 1 });
  const calls = ['a', 'b', 'c'].map((text) => one.verdicts([text], undefined));
  await turn();
  calls.push(one.verdicts(['d'], undefined), one.verdicts(['e'], undefined));
  await turn();
  expect(sent.map(({ texts }) => texts)).toEqual([['a', 'b', 'c']]);
  sent[0]!.end();
  await Promise.all(calls.slice(0, 3));
  await turn();
  expect(sent[1]!.texts).toEqual(['d', 'e']);
  sent[1]!.end();
  expect(await Promise.all(calls)).toEqual([['of a'], ['of b'], ['of c'], ['of d'], ['of e']]);
});

test('a text that is longer than a batch goes alone', async () => {
  const { gatherer: one, sent } = gatherer();
  const call = one.verdicts(['a', 'x'.repeat(30), 'b'], undefined);
  await turn();
  expect(sent.map(({ texts }) => texts)).toEqual([['a'], ['x'.repeat(30)]]);
  sent[0]!.end();
  sent[1]!.end();
  await turn();
  await turn();
  sent[2]!.end();
  expect(await call).toHaveLength(3);
});

test('what comes back first may be what was sent last', async () => {
  const { gatherer: one, sent } = gatherer({ maxTexts: 2 });
  const call = one.verdicts(['a', 'b', 'c', 'd'], undefined);
  await turn();
  sent[1]!.end();
  await turn();
  sent[0]!.end();
  expect(await call).toEqual(['of a', 'of b', 'of c', 'of d']);
});

test('a failure reaches those whose texts were in the batch, and nobody else', async () => {
  const { gatherer: one, sent } = gatherer({ maxTexts: 2 });
  const failing = one.verdicts(['a', 'b', 'c', 'd', 'e'], undefined);
  const other = one.verdicts(['f'], undefined);
  await turn();
  sent[0]!.end(new Error('no'));
  await expect(failing).rejects.toThrow('no');
  sent[1]!.end();
  await turn();
  await turn();
  // Of the caller who has heard of the failure, nothing more is asked.
  expect(sent[2]!.texts).toEqual(['f']);
  sent[2]!.end();
  expect(await other).toEqual(['of f']);
});

test('a request is called off when nobody waits for it any more', async () => {
  const { gatherer: one, sent } = gatherer({ maxAtOnce: 1 });
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
  const calls = [first, second].map(({ signal }, at) => one.verdicts([`text ${at}`], signal));
  await turn();
  const waiting = one.verdicts(['text 2'], third.signal);
  first.abort(new Error('first'));
  await expect(calls[0]).rejects.toThrow('first');
  expect(sent[0]!.signal.aborted).toBe(false);
  third.abort(new Error('third'));
  await expect(waiting).rejects.toThrow('third');
  second.abort(new Error('second'));
  await expect(calls[1]).rejects.toThrow('second');
  expect(sent[0]!.signal.aborted).toBe(true);
  await turn();
  await turn();
  expect(sent).toHaveLength(1);
});

test('it does not take in more than may wait, except from one who comes alone', async () => {
  const { gatherer: one, sent } = gatherer({ maxAtOnce: 1, maxWaiting: 5 });
  void one.verdicts(['a', 'b', 'c', 'd', 'e', 'f', 'g'], undefined);
  await expect(one.verdicts(['h'], undefined)).rejects.toBeInstanceOf(EmbeddingUnavailable);
  await turn();
  sent[0]!.end();
  await turn();
  expect(await outcome(one.verdicts(['h'], undefined))).toBe('waits');
});

test('nor more characters than may wait', async () => {
  const { gatherer: one } = gatherer({ maxAtOnce: 1, maxWaitingCharacters: 10 });
  const calls = ['aaaa', 'bbbb'].map((text) => one.verdicts([text], undefined));
  await expect(one.verdicts(['ccc'], undefined)).rejects.toThrow('too many texts wait');
  const fits = one.verdicts(['cc'], undefined);
  expect(await outcome(Promise.race([...calls, fits]))).toBe('waits');
});

test('when it is closed, whoever waits hears of it, and nothing goes on', async () => {
  const { gatherer: one, sent } = gatherer({ maxAtOnce: 1 });
  const underWay = one.verdicts(['a'], undefined);
  await turn();
  const waiting = one.verdicts(['b'], undefined);
  one.close();
  await expect(underWay).rejects.toThrow('the embedder is closed');
  await expect(waiting).rejects.toThrow('the embedder is closed');
  expect(sent[0]!.signal.aborted).toBe(true);
  await expect(one.verdicts(['c'], undefined)).rejects.toThrow('the embedder is closed');
});

describe('a text that somebody waits for', () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `fill ${n}`);

  test('goes before those that are filled in, in a request of its own, though all places are taken', async () => {
    const { gatherer: one, sent } = gatherer();
    const filling = one.verdicts(many(40), undefined);
    await turn();
    expect(sent).toHaveLength(2);
    const search = one.verdicts(['what?'], undefined, true);
    await turn();
    expect(sent[2]!.texts).toEqual(['what?']);
    sent[2]!.end();
    expect(await search).toEqual(['of what?']);
    expect(await outcome(filling)).toBe('waits');
  });

  test('is next where one request is made at a time', async () => {
    const { gatherer: one, sent } = gatherer({ maxAtOnce: 1, spare: 0 });
    void one.verdicts(many(40), undefined);
    await turn();
    const searches = ['what?', 'and who?'].map((text) => one.verdicts([text], undefined, true));
    await turn();
    expect(sent).toHaveLength(1);
    sent[0]!.end();
    await turn();
    await turn();
    expect(sent[1]!.texts).toEqual(['what?', 'and who?']);
    sent[1]!.end();
    expect(await Promise.all(searches)).toEqual([['of what?'], ['of and who?']]);
  });

  test('is taken in though too many others wait', async () => {
    const { gatherer: one, sent } = gatherer({ maxWaiting: 5 });
    void one.verdicts(many(40), undefined);
    await expect(one.verdicts(['more'], undefined)).rejects.toThrow('too many texts wait');
    const search = one.verdicts(['what?'], undefined, true);
    await turn();
    sent.find(({ texts }) => texts.includes('what?'))!.end();
    expect(await search).toEqual(['of what?']);
  });

  test('does not keep the others waiting for ever', async () => {
    const { gatherer: one, sent } = gatherer({ maxAtOnce: 1, spare: 0 });
    const filling = one.verdicts(['fill'], undefined);
    for (let n = 0; n < 20; n++) void one.verdicts([`search ${n} is as long as can be`], undefined, true);
    await turn();
    for (let n = 0; n < 9; n++) {
      sent[n]!.end();
      await turn();
      await turn();
    }
    expect(await filling).toEqual(['of fill']);
  });
});
