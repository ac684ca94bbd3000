/** Whatever the model does, no text is lost, and none keeps the others from being understood. */
import { expect, test } from 'vitest';
import { EmbeddingUnavailable } from '../core/embedder.ts';
import { FakeModel, scene } from '../testing/embedding-under-test.ts';

test('a model that is away loses nothing: it is asked again when it says so', async () => {
  const { desk, put, entry, embedder, pipeline } = await scene();
  embedder.does = 'be away';
  desk.follow(await put('a', 'abc'));
  await expect.poll(() => embedder.asked.length).toBe(1);
  embedder.does = 'answer';
  await pipeline.clock.advance(999);
  expect(embedder.asked).toHaveLength(1);
  await pipeline.clock.advance(1);
  await expect.poll(async () => (await entry('a')).embedding).not.toBeNull();
});

test('a fault is told, and the text is tried again', async () => {
  const { desk, put, entry, embedder, pipeline, faults } = await scene();
  embedder.does = 'break';
  desk.follow(await put('a', 'abc'));
  await expect.poll(() => faults).toEqual([new TypeError('a bug')]);
  embedder.does = 'answer';
  await pipeline.clock.advance(5000);
  await expect.poll(async () => (await entry('a')).embedding).not.toBeNull();
});

test('a model that wants to be left alone for a day is asked again after five minutes', async () => {
  const { desk, put, entry, embedder, pipeline } = await scene();
  embedder.embed = async () => {
    throw new EmbeddingUnavailable('the quota is used up', 86_400_000);
  };
  desk.follow(await put('a', 'abc'));
  await pipeline.clock.advance(1);
  Reflect.deleteProperty(embedder, 'embed');
  await pipeline.clock.advance(299_000);
  expect((await entry('a')).embedding).toBeNull();
  await pipeline.clock.advance(1000);
  expect((await entry('a')).embedding).not.toBeNull();
});

/** So many seconds go by, in each of which somebody looks whether there is something that nobody sees to. */
async function seconds(
  count: number,
  { desk, pipeline }: Pick<Awaited<ReturnType<typeof scene>>, 'desk' | 'pipeline'>,
) {
  for (let second = 0; second < count; second++) {
    await desk.look(pipeline.clock.now().steady);
    await pipeline.clock.advance(1000);
  }
}

test('a text on which the model fails each time soon stands alone, and is asked about ever more seldom, at last every ten minutes', async () => {
  const colony = await scene();
  const { desk, put, models, embedder } = colony;
  embedder.poison = 'text 77';
  for (let n = 0; n < 200; n++) desk.follow(await put(`k${n}`, `text ${n}`));
  await seconds(300, colony);
  expect(await models()).toEqual({ 'fake:1 2': 199 });
  // The third time that it was asked about alone it was set aside for four minutes.
  expect(embedder.asked.filter((texts) => texts.length === 1 && texts[0] === 'text 77')).toHaveLength(3);
  expect(embedder.asked.findLast((texts) => texts.includes('text 77'))).toEqual(['text 77']);
  const before = embedder.asked.length;
  await seconds(600, colony);
  expect(embedder.asked.length - before).toBe(1);
  expect(desk.waiting).toBe(0);
  embedder.poison = 'none';
  await seconds(600, colony);
  expect(await models()).toEqual({ 'fake:1 2': 200 });
});

test('what is put in its place is asked about at once', async () => {
  const colony = await scene();
  const { desk, put, entry } = colony;
  for (let n = 0; n < 20; n++) desk.follow(await put(`k${n}`, n === 7 ? 'poison' : `text ${n}`));
  await seconds(60, colony);
  expect(desk.waiting).toBe(0);
  desk.follow(await put('k7', 'abc'));
  await seconds(1, colony);
  expect((await entry('k7')).embedding).not.toBeNull();
});

test('hundreds of such texts do not keep from being found what nobody sees to, nor what another model has left', async () => {
  const colony = await scene();
  const { put, models, desk, pipeline, open } = colony;
  for (let n = 0; n < 300; n++) await put(`k${n}`, n % 3 === 0 ? `text ${n}` : `poison ${n}`);
  for (let n = 0; n < 20; n++) await put(`b${n}`, `text ${n}`, 't');
  await seconds(1000, colony);
  expect([await models(), await models('t')]).toEqual([{ 'fake:1 2': 100 }, { 'fake:1 2': 20 }]);
  await desk.stop();
  const next = new FakeModel('fake:2');
  await seconds(1000, { desk: open(next), pipeline });
  expect([await models(), await models('t')]).toEqual([{ 'fake:2 2': 100 }, { 'fake:2 2': 20 }]);
});

test('no text is set aside when the model is away for all of them', async () => {
  const colony = await scene();
  const { desk, put, embedder, models } = colony;
  embedder.does = 'be away';
  for (let n = 0; n < 100; n++) desk.follow(await put(`k${n}`, `text ${n}`));
  await seconds(3600, colony);
  expect(desk.waiting).toBe(100);
  const times = embedder.asked.length;
  expect(times).toBeLessThan(80);
  expect(desk.isIdle).toBe(true);
  embedder.does = 'answer';
  await seconds(90, colony);
  expect(await models()).toEqual({ 'fake:1 2': 100 });
});

test('a text that takes the model away each time is set aside once the model was back', async () => {
  const colony = await scene();
  const { desk, put, embedder, pipeline } = colony;
  const embed = embedder.embed.bind(embedder);
  let backAt = 0;
  embedder.embed = async (texts, signal, isAwaited) => {
    const { steady } = pipeline.clock.now();
    if (texts.includes('poison')) backAt = steady + 1500;
    if (steady < backAt) throw new EmbeddingUnavailable('it is starting', backAt - steady);
    return embed(texts, signal, isAwaited);
  };
  desk.follow(await put('a', 'poison'));
  await seconds(12, colony);
  expect(desk.waiting).toBe(0);
  expect(embedder.awaited).toEqual([['ok']]);
});

test('nor is one that another model understood asked about each time that somebody looks for what that has left', async () => {
  const colony = await scene(new FakeModel('fake:0'));
  const { desk, put, models, pipeline, open, embedder } = colony;
  embedder.poison = 'nothing';
  for (let n = 0; n < 20; n++) desk.follow(await put(`k${n}`, n === 7 ? 'poison' : `text ${n}`));
  await seconds(10, colony);
  expect(await models()).toEqual({ 'fake:0 2': 20 });
  await desk.stop();
  const next = new FakeModel();
  await seconds(300, { desk: open(next), pipeline });
  expect(await models()).toEqual({ 'fake:0 2': 1, 'fake:1 2': 19 });
  expect(next.asked.filter((texts) => texts.length === 1 && texts[0] === 'poison')).toHaveLength(3);
});
