/** Texts in memory come to mean something. */
import { expect, test } from 'vitest';
import { EmbeddingUnavailable } from '../core/embedder.ts';
import { memoryFrom, vectorText } from '../core/memory.ts';
import { ANY, FakeModel, holdingBack, scene } from '../testing/embedding-under-test.ts';

test('what is put is embedded, once for each text, and nothing else is asked', async () => {
  const { desk, put, entry, embedder, models } = await scene();
  desk.follow(await put('a', 'abc'));
  desk.follow(await put('b', null));
  await expect.poll(async () => (await entry('a')).embedding).toEqual({ model: 'fake:1', vector: vectorText([3, 1]) });
  expect(await entry('a')).toMatchObject({ version: 1 });
  expect(await models()).toEqual({ 'fake:1 2': 1 });
  desk.follow(await put('a', 'abcd'));
  await expect.poll(async () => (await entry('a')).embedding?.vector).toBe(vectorText([4, 1]));
  expect(embedder.asked.flat()).toEqual(['abc', 'abcd']);
});

test('a text that it will never understand is asked about once, and does not keep others from being understood', async () => {
  const { desk, put, entry, embedder, models } = await scene();
  const documents = [await put('a', 'abc'), await put('x', 'bad'), await put('b', 'abcd')];
  for (const document of documents) desk.follow(document);
  await expect.poll(() => models()).toEqual({ 'fake:1': 1, 'fake:1 2': 2 });
  expect((await entry('x')).embedding).toEqual({ model: 'fake:1', vector: null });
  expect((await entry('b')).embedding?.vector).toBe(vectorText([4, 1]));
  await desk.look(1e9);
  await expect.poll(() => embedder.asked.flat().filter((text) => text === 'bad').length).toBe(1);
});

test('what a kernel has left undone, the next one finds', async () => {
  const { desk, put, models } = await scene();
  for (let n = 0; n < 150; n++) await put(`k${n}`, `text ${n}`);
  for (let n = 1; n <= 5; n++) {
    await desk.look(n * 1e6);
    await desk.settled('s', 1e6);
  }
  await expect.poll(() => models()).toEqual({ 'fake:1 2': 150 });
});

test('another model begins anew, and what the one before it said is not taken for its own', async () => {
  const { desk, put, entry, models, open } = await scene();
  for (let n = 0; n < 100; n++) await put(`k${n}`, `text ${n}`);
  await put('other', 'in another scope', 't');
  for (let n = 1; n <= 4; n++) {
    await desk.look(n * 1e6);
    await desk.settled('s', 1e6);
  }
  await expect.poll(() => models()).toEqual({ 'fake:1 2': 100 });
  const next = open(new FakeModel('fake:2'));
  for (let n = 1; n <= 12; n++) {
    await next.look(n * 1e6);
    await next.settled('s', 1e6);
  }
  await expect.poll(() => models()).toEqual({ 'fake:2 2': 100 });
  await expect.poll(() => models('t')).toEqual({ 'fake:2 2': 1 });
  expect(await entry('k7')).toMatchObject({ version: 1, embedding: { model: 'fake:2' } });
});

test('whoever looks waits for what was put just now, but not for a model that is away or hangs', async () => {
  const { desk, put, entry, embedder, pipeline } = await scene();
  desk.follow(await put('a', 'abc'));
  await desk.settled('s', 1e9);
  expect((await entry('a')).embedding).not.toBeNull();
  await desk.settled('elsewhere', 1e9);
  embedder.does = 'hang';
  desk.follow(await put('b', 'abc'));
  const waiting = desk.settled('s', 500);
  await pipeline.clock.advance(500);
  await waiting;
  const asking = expect(desk.vectorOf('a question', 700)).rejects.toThrow(EmbeddingUnavailable);
  await pipeline.clock.advance(700);
  await asking;
});

test('a model whose vectors have another length than before begins anew, also under the same name', async () => {
  const { desk, put, entry, models, embedder } = await scene();
  for (let n = 0; n < 100; n++) desk.follow(await put(`k${n}`, `text ${n}`));
  await expect.poll(() => models()).toEqual({ 'fake:1 2': 100 });
  embedder.dimension = 3;
  for (let n = 1; n <= 6; n++) {
    await desk.look(n * 1e6);
    await desk.settled('s', 1e6);
  }
  await expect.poll(() => models()).toEqual({ 'fake:1 3': 100 });
  expect(await entry('k7')).toMatchObject({
    version: 1,
    embedding: { model: 'fake:1', vector: vectorText([6, 1, 1]) },
  });
});

test('what was put somewhere else than where hundreds are filled in comes next, and who looks for something goes first', async () => {
  const { desk, put, embedder } = await scene();
  const gate = holdingBack(embedder);
  for (let n = 0; n < 300; n++) desk.follow(await put(`k${n}`, `text ${n}`, 'full'));
  desk.follow(await put('a', 'abc'));
  expect(embedder.asked.flat()).not.toContain('abc');
  expect(await desk.vectorOf('what?', 1000)).toEqual(Float32Array.of(5, 1));
  gate.resolve();
  await desk.settled('s', 1e9);
  expect(embedder.asked[1]).toContain('abc');
  expect(embedder.awaited).toEqual([['what?']]);
});

test.each([
  ['replaced', 'put_memory'],
  ['deleted', 'delete_memory'],
] as const)(
  'the vector of a text that is %s while it is embedded is not attached to what comes after',
  async (_, kind) => {
    const { desk, put, entry, embedder, pipeline, models } = await scene();
    const gate = holdingBack(embedder);
    desk.follow(await put('a', 'abc'));
    await expect.poll(() => embedder.asked).toEqual([['abc']]);
    if (kind === 'delete_memory') {
      await pipeline.run({ kind, actor: 'ann', scope: 's', key: 'a', condition: ANY });
    }
    await put('a', 'abcdef');
    gate.resolve();
    await desk.settled('s', 1e9);
    expect((await entry('a')).embedding).toBeNull();
    expect(await models()).toEqual({});
    await desk.look(1e9);
    await expect.poll(async () => (await entry('a')).embedding?.vector).toBe(vectorText([6, 1]));
  },
);

test('what another kernel was faster with is not noted down again', async () => {
  const { pipeline, put, entry, models } = await scene();
  const { version } = memoryFrom(await put('a', 'abc'));
  const embed = (vector: string | null, hash = 'h') => {
    const items = [{ key: 'a', version, hash, vector }];
    return pipeline.run({ kind: 'embed_memory', actor: 'kernel', scope: 's', model: 'm', items });
  };
  // Where a store has lost something, the same version may come again, of another text.
  expect(await embed(vectorText([1, 2]), 'of another text')).toEqual({ embedded: 0 });
  expect(await embed(null)).toEqual({ embedded: 1 });
  expect(await embed(vectorText([1, 2]))).toEqual({ embedded: 1 });
  expect(await embed(vectorText([1, 2.5]))).toEqual({ embedded: 0 });
  expect((await entry('a')).embedding?.vector).toBe(vectorText([1, 2]));
  expect(await models()).toEqual({ 'm 2': 1 });
});

test('whoever looks does not wait for what cannot be embedded in that time', async () => {
  const { desk, put, embedder, pipeline } = await scene();
  const embed = embedder.embed.bind(embedder);
  let took = 0;
  embedder.embed = (texts) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    pipeline.clock.timer(took, resolve);
    return promise.then(() => embed(texts));
  };
  const isOver = async (waiting: Promise<void>) =>
    Promise.race([waiting.then(() => true), pipeline.clock.advance(0).then(() => false)]);
  for (took of [300, 100, 300]) {
    desk.follow(await put('a', `it takes ${took} ms`));
    const waiting = desk.settled('s', 1000);
    expect(await isOver(waiting)).toBe(false);
    await pipeline.clock.advance(took);
    await waiting;
  }
  for (let n = 0; n < 300; n++) desk.follow(await put(`k${n}`, `text ${n}`));
  expect(await isOver(desk.settled('s', 1000))).toBe(true);
  expect(await isOver(desk.settled('s', 3000))).toBe(false);
  await pipeline.clock.advance(10_000);
});
