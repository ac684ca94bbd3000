/** What a task means is found out ahead of its decision, as far as that costs others nothing. */
import { describe, expect, test } from 'vitest';
import type { Command } from '../core/command.ts';
import { EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { ngramVector } from '../memory/embedders/ngrams.ts';
import { bee, lasting, open, submit, written } from '../testing/expertise-under-test.ts';
import { newTask } from '../testing/pipeline.ts';
import { aTask } from '../testing/scribe.ts';
import { atRest } from '../testing/sim-clock.ts';

describe('a task is looked at ahead', () => {
  test('when several wait that could take it, and of one it is known what it did', async () => {
    const { desk, clock, near, asked } = await open();
    expect(await lasting(clock, desk.lookAhead(submit('translate a letter to me')))).toBe(0);
    expect(asked).toEqual(['translate a letter to me']);
    expect(near('translate a letter to me')).toEqual([expect.any(Number), null]);
  });

  test.each([
    ['when only one waits', { waiting: [bee('ann')] }, submit('a')],
    ['when nobody waits', { waiting: [] }, submit('a')],
    ['when nothing is known of those who wait', { waiting: [bee('bob'), bee('cid')] }, submit('a')],
    ['when texts of the memory wait for the model', { isIdle: false }, submit('a')],
    [
      'when it is not for any of them',
      {},
      { ...submit('a'), tasks: [newTask('a', { requirements: { gpu: true } }, 0)] },
    ],
    ['when it has to wait', {}, { ...submit('a'), tasks: [newTask('a', { depends_on: ['b'] }, 0)] }],
    ['when it is something else than a task', {}, { kind: 'cancel', actor: 'eve', taskId: 'a', cascade: false }],
  ] as const)('and not %s', async (_, changed, command) => {
    const colony = Object.assign(await open(), changed);
    expect(colony.desk.lookAhead(command as Command)).toBeNull();
    expect(colony.asked).toEqual([]);
  });

  test('and not before anybody has shown anything', async () => {
    const { desk, asked } = await open([]);
    expect(desk.lookAhead(submit('a'))).toBeNull();
    expect(asked).toEqual([]);
  });

  test('and only so many a second', async () => {
    const { desk, clock, asked } = await open();
    for (let n = 0; n < 100; n++) await desk.lookAhead(submit(`task ${n}`));
    expect(asked).toHaveLength(20);
    await clock.advance(500);
    for (let n = 0; n < 100; n++) await desk.lookAhead(submit(`other task ${n}`));
    expect(asked).toHaveLength(30);
  });

  test('and is held against what many have shown only so often', async () => {
    const bees = Array.from({ length: 40 }, (_, n) => `bee-${n}`);
    const documents = bees.flatMap((name) =>
      Array.from({ length: 24 }, (_, slot) => written(name, `${name} did ${slot}`, true, { key: `${name}/${slot}` })),
    );
    const colony = Object.assign(await open(documents), { waiting: bees.map(bee) });
    const { desk, clock, near } = colony;
    await desk.lookAhead(submit('a'));
    const known = () => Array.from({ length: 120 }, () => near('a')).filter((one) => one !== null).length;
    // 40 workers with 24 examples, vectors of 512 numbers.
    expect(known()).toBe(Math.ceil(40e6 / (40 * 24 * 512)));
    expect(known()).toBe(0);
    await clock.advance(500);
    expect(known()).toBeGreaterThan(30);
  });

  test('without the model, when its text is known already', async () => {
    const { desk, near, asked } = await open();
    await desk.lookAhead(submit('a letter', 'first'));
    expect(desk.lookAhead(submit('a letter', 'second'))).toBeNull();
    expect(near('second')).toEqual(near('first'));
    expect(asked).toEqual(['a letter']);
  });
});

describe('nobody waits', () => {
  test.each([
    ['hangs', () => new Promise<never>(() => undefined)],
    ['fails', () => Promise.reject(new EmbeddingUnavailable('gone', 0))],
  ])('long, nor soon again, for a model that %s', async (_, embed) => {
    const colony = Object.assign(await open(), { embed });
    const { desk, clock, asked, near } = colony;
    expect(await lasting(clock, desk.lookAhead(submit('a')))).toBeLessThanOrEqual(55);
    expect(desk.lookAhead(submit('b'))).toBeNull();
    expect(near('a')).toBeNull();
    expect(asked).toEqual(['a']);
  });

  test('again for a model that was late, before it has rested, longer each time; and what it says then is used', async () => {
    const colony = await open();
    const { desk, clock, asked, near } = colony;
    for (const [n, restMs] of [1000, 2000, 4000].entries()) {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
      colony.embed = () => promise;
      expect(await lasting(clock, desk.lookAhead(submit(`${n}`)))).toBe(50);
      if (n === 2) resolve(ngramVector('2'));
      await clock.advance(restMs - 100);
      expect(desk.lookAhead(submit('again'))).toBeNull();
      await clock.advance(60_000);
      if (n < 2) reject(new EmbeddingRefused([{ index: 0, reason: 'it is late' }], [null]));
      await atRest();
    }
    expect(near('2')).toEqual([expect.any(Number), null]);
    expect(asked).toEqual(['0', '1', '2']);
  });

  test('more than seldom for one that is always late, though it says something each time', async () => {
    const colony = await open();
    const { desk, clock, asked } = colony;
    colony.embed = (text) => {
      const { promise, resolve } = Promise.withResolvers<Float32Array>();
      clock.timer(200, () => resolve(ngramVector(text)));
      return promise;
    };
    let waitedMs = 0;
    for (let n = 0; n < 120; n++) {
      waitedMs += await lasting(clock, desk.lookAhead(submit(`task ${n}`)));
      await clock.advance(1000);
    }
    expect(waitedMs).toBeLessThanOrEqual(8 * 50);
    // Who is in no hurry is answered all the same.
    await lasting(clock, desk.prepare({ ...aTask({ description: 'a question' }), id: 'x' }));
    expect(asked.at(-1)).toBe('a question');
  });
});
