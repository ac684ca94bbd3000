/** What workers did is learned, written down, and read again. */
import { describe, expect, test } from 'vitest';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { type PutMemory, vectorText } from '../core/memory.ts';
import { bee, embedded, MODEL, open, submit, written } from '../testing/expertise-under-test.ts';
import { aTask } from '../testing/scribe.ts';
import { atRest } from '../testing/sim-clock.ts';
import type { ExpertiseDesk } from './expertise-desk.ts';

describe('what workers did', () => {
  test('is written down together, with how it ended, and what changes little is not written again', async () => {
    const { clock, end, commands } = await open([]);
    await end('ann', 'translate a letter');
    await end('bob', 'mend the bridge', 'failed');
    await clock.advance(2000);
    const [put, ...others] = commands as PutMemory[];
    expect(others).toEqual([]);
    expect(put!.items).toMatchObject([
      { key: 'ann/0', value: '{"done":1,"failed":0}', text: 'translate a letter', metadata: { worker: 'ann' } },
      { key: 'bob/0', value: '{"done":0,"failed":1}', text: 'mend the bridge' },
    ]);
    for (let n = 0; n < 40; n++) {
      await end('ann', 'translate a letter');
      await clock.advance(3000);
    }
    expect(commands.length).toBeLessThan(20);
    expect((commands.at(-1) as PutMemory).items).toHaveLength(1);
  });

  test('is learned, with what was before, when a second one has done something; of one alone the model is not asked', async () => {
    const { clock, end, commands, asked } = await open([]);
    for (let n = 0; n < 30; n++) {
      await end('ann', `task ${n}`);
      await clock.advance(1000);
    }
    expect([asked, commands]).toEqual([[], []]);
    await end('bob', 'mend the bridge');
    await clock.advance(2000);
    expect(asked).toEqual([...Array.from({ length: 19 }, (_, n) => `task ${n + 11}`), 'mend the bridge']);
    expect((commands as PutMemory[])[0]!.items).toHaveLength(20);
  });

  test('is written later when it cannot be now', async () => {
    const colony = await open([]);
    const { clock, end, commands } = colony;
    colony.execute = async () => new Refusal('shutting_down', 'Not now.');
    await end('ann', 'translate a letter');
    await end('bob', 'mend the bridge');
    await clock.advance(2000);
    colony.execute = async () => ({ entries: [] });
    await clock.advance(30_000);
    expect(commands).toHaveLength(2);
    await clock.advance(100_000);
    expect(commands).toHaveLength(2);
  });

  test.each([
    ['the store cannot be used', () => Promise.reject(new StorageUnavailable('the disk is full'))],
    ['a rollback is under way', async () => new Refusal('storage_unavailable', 'Not now.')],
  ])('is written later when %s, though nothing is learned of it since', async (_, execute) => {
    const colony = await open([]);
    const { clock, end, commands } = colony;
    colony.execute = execute;
    await end('ann', 'translate a letter');
    await end('bob', 'mend the bridge');
    await clock.advance(2000);
    colony.execute = async () => ({ entries: [] });
    // What others have written is read meanwhile.
    colony.documents = [written('cid', 'water the plants')];
    await clock.advance(40_000);
    expect((commands.at(-1) as PutMemory).items.map(({ key }) => key)).toEqual(['ann/0', 'bob/0']);
    expect(commands).toHaveLength(2);
  });

  test('is not known of who has a name that is no key', async () => {
    const { clock, end, commands } = await open([]);
    await end('an\tn', 'translate a letter');
    await end('bob', 'mend the bridge');
    await clock.advance(100_000);
    expect((commands as PutMemory[]).map(({ items }) => items.map(({ key }) => key))).toEqual([['bob/0']]);
  });

  test('is read, whatever else somebody has brought into its scope', async () => {
    const letter = 'translate a letter';
    const values = [
      'null',
      '7',
      '{"done":"x","failed":9}',
      '{"done":1,"failed":1e300}',
      '{"done":-50,"failed":9}',
      '{"failed":9}',
    ];
    const others = values.map((value, at) => written('ann', letter, true, { value, key: `ann/${at + 1}` }));
    const value = '{"done":0,"failed":9}';
    const more = ['ann/x', 'ann', 'ann/-1', 'ann/1.5'].map((key) => written('ann', letter, true, { value, key }));
    const { desk, near } = await open([
      ...others,
      ...more,
      written('ann', letter),
      written('ann', letter, true, { text: null }),
    ]);
    await desk.lookAhead(submit('translate a letter'));
    expect(near('translate a letter')![0]).toBeGreaterThan(0.5);
  });

  test('is known of a hundred and twenty-eight; who has shown nothing for longest is forgotten', async () => {
    const { clock, end, commands, desk } = await open([]);
    for (let n = 0; n < 129; n++) {
      await end(`bee-${n}`, `task ${n % 7}`);
      await clock.advance(1000);
    }
    await clock.advance(5000);
    const deleted = commands.filter(({ kind }) => kind === 'delete_memory');
    expect(deleted).toMatchObject([{ key: 'bee-0/0' }]);
    await desk.prepare({ ...aTask({ description: 'task 0' }), id: 'x' });
    expect(desk.nearness({ ...aTask(), id: 'x' }, [bee('bee-0'), bee('bee-1')])).toEqual([null, expect.any(Number)]);
  });

  test('is read again when others have written, and after a rollback', async () => {
    const colony = await open();
    const { desk, clock, near } = colony;
    await desk.lookAhead(submit('translate a letter'));
    expect(near('translate a letter')).toEqual([expect.any(Number), null]);
    colony.documents = [written('ann', 'translate a letter'), written('bob', 'translate letters')];
    const data = JSON.stringify({ scope: 'colony.experience' });
    const entry = { id: 1, type: 'memory_written', source: 'kernel', actor: 'kernel', at: 0, data } as const;
    desk.hear([{ ...entry, taskId: null, workerId: null }]);
    await clock.advance(30_000);
    expect(near('translate a letter')).toEqual([expect.any(Number), expect.any(Number)]);
    colony.documents = [];
    await desk.reread();
    expect(near('translate a letter')).toEqual([null, null]);
  });

  test('is not what was being read when the rollback came', async () => {
    const colony = await open();
    const { desk, near } = colony;
    await desk.lookAhead(submit('translate a letter'));
    const before = Promise.withResolvers<void>();
    colony.reading = before.promise;
    const reading = desk.read();
    await atRest();
    colony.documents = [written('bob', 'translate letters')];
    const again = desk.reread();
    colony.reading = Promise.resolve();
    before.resolve();
    await Promise.all([reading, again]);
    expect(near('translate a letter')).toEqual([null, expect.any(Number)]);
  });

  test.each([
    ['here', (desk: ExpertiseDesk) => desk.remembered(written('ann', 'translate a letter'))],
    ['by another kernel', (desk: ExpertiseDesk) => desk.hear([embedded('colony.experience')])],
  ])('is known a second after the model has found out %s what it means', async (_, tell) => {
    const colony = await open();
    const { desk, clock, near } = colony;
    await desk.lookAhead(submit('translate a letter'));
    colony.documents = [written('ann', 'translate a letter', false)];
    await desk.reread();
    expect(near('translate a letter')).toEqual([null, null]);
    colony.documents = [written('ann', 'translate a letter')];
    desk.hear([embedded('another')]);
    desk.remembered(written('ann', 'translate a letter', false));
    await clock.advance(2000);
    expect(near('translate a letter')).toEqual([null, null]);
    tell(desk);
    await clock.advance(1000);
    expect(near('translate a letter')).toEqual([expect.any(Number), null]);
  });

  test('says nothing to a model whose vectors have another length, until it has said what it means', async () => {
    const colony = await open();
    const { desk, clock, near } = colony;
    await desk.lookAhead(submit('translate a letter', 'before'));
    expect(near('before')).toEqual([expect.any(Number), null]);
    const vector = Float32Array.of(0.6, 0.8);
    colony.embed = async () => vector;
    await desk.prepare({ ...aTask({ description: 'translate another letter' }), id: 'x' });
    expect(near('x')).toEqual([null, null]);
    // What was remembered of texts is of no use any more, either.
    expect(near('before')).toBeNull();
    const embedding = { model: MODEL, vector: vectorText([...vector]) };
    colony.documents = [written('ann', 'translate a letter', true, { embedding })];
    desk.remembered(colony.documents[0]!);
    await clock.advance(1000);
    expect(near('x')![0]).toBeGreaterThan(0);
  });

  test('is not learned of a worker as long as it is not known what its examples mean to the model', async () => {
    const colony = await open([written('ann', 'translate a letter', false)]);
    await colony.end('ann', 'mend the bridge');
    await colony.end('bob', 'mend the bridge');
    await colony.clock.advance(5000);
    expect(colony.commands).toMatchObject([{ items: [{ key: 'bob/0' }] }]);
    colony.documents = [written('ann', 'translate a letter')];
    await colony.clock.advance(30_000);
    await colony.end('ann', 'mend the other bridge');
    await colony.clock.advance(5000);
    expect((colony.commands as PutMemory[])[1]!.items).toMatchObject([{ key: 'ann/1' }]);
  });

  test('does not count when it was taken away or given back', async () => {
    const { desk, clock, commands } = await open([]);
    const before = { ...aTask(), id: 'a', status: 'executing', worker: 'ann' } as const;
    desk.ended(before, { ...before, status: 'queued' });
    desk.ended(before, { ...before, status: 'cancelled' });
    await clock.advance(10_000);
    expect(commands).toEqual([]);
  });
});
