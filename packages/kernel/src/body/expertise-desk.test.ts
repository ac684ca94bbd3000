/** What a task means is found out ahead of its decision, as far as that costs others nothing; and what workers did is written down. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { EmbeddingRefused, EmbeddingUnavailable } from '../core/embedder.ts';
import { Refusal } from '../core/errors.ts';
import { type MemoryEntry, memoryDocument, type PutMemory, vectorText } from '../core/memory.ts';
import type { Worker } from '../core/worker.ts';
import { ngramVector } from '../memory/embedders/ngrams.ts';
import { newTask } from '../testing/pipeline.ts';
import { aTask, aWorker } from '../testing/scribe.ts';
import { atRest, SimClock } from '../testing/sim-clock.ts';
import { ExpertiseDesk } from './expertise-desk.ts';

const MODEL = 'ngrams:1';

function bee(name: string): Worker {
  return aWorker({ id: name, profile: { name, capabilities: [], attributes: {}, maxConcurrentTasks: 1 } });
}

function submit(description: string, id = description): Command {
  return { kind: 'submit', actor: 'eve', tasks: [newTask(id, { description }, 0)] };
}

function written(name: string, text: string, isEmbedded = true): Document {
  const embedding = isEmbedded ? { model: MODEL, vector: vectorText([...ngramVector(text)]) } : null;
  const times = { createdAt: 0, updatedAt: new SimClock().now().wall, expiresAt: null };
  const value = JSON.stringify({ done: 1, failed: 0 });
  const rest = { version: 1, metadata: {}, vector: null, hash: '', text, embedding, ...times };
  const entry: MemoryEntry = { scope: 'colony.experience', key: `${name}/0`, value, ...rest };
  return memoryDocument(entry, 1);
}

/** A desk on made-up surroundings. */
async function open(documents = [written('ann', 'translate a letter')]) {
  const clock = new SimClock();
  const all = {
    clock,
    documents,
    /** Texts that the model was asked for. */
    asked: [] as string[],
    embed: async (text: string) => ngramVector(text),
    isIdle: true,
    waiting: [bee('ann'), bee('bob')],
    commands: [] as Command[],
    /** What becomes of them. */
    execute: async (): Promise<unknown> => ({ entries: [] }),
    faults: [] as unknown[],
  };
  const desk = new ExpertiseDesk({
    clock,
    store: {
      worker: async (id) => bee(id),
      documentsNamed: async () => ({ items: all.documents, more: false }),
    },
    embedding: {
      model: MODEL,
      get isIdle() {
        return all.isIdle;
      },
      vectorOf: (text) => {
        all.asked.push(text);
        return all.embed(text);
      },
    },
    waiting: () => all.waiting.map((worker) => ({ worker })),
    execute: ((command: Command) => {
      all.commands.push(command);
      return all.execute();
    }) as never,
    onFault: (fault) => all.faults.push(fault),
  });
  onTestFinished(() => {
    desk.stop();
    expect(all.faults).toEqual([]);
  });
  await desk.read();
  const near = (id: string) => desk.nearness({ ...aTask(), id }, all.waiting);
  const end = async (name: string, description: string, status: 'completed' | 'failed' = 'completed') => {
    const before = { ...aTask({ description }), id: description, status: 'executing', worker: name } as const;
    desk.ended(before, { ...before, status });
    await atRest();
  };
  return Object.assign(all, { desk, near, end });
}

/** How long it takes, as the clock says; at the most a second. */
async function lasting(clock: SimClock, waiting: Promise<void> | null): Promise<number> {
  if (waiting === null) return 0;
  let isOver = false;
  void waiting.then(() => {
    isOver = true;
  });
  for (let ms = 0; ms <= 1000; ms += 5) {
    await atRest();
    if (isOver) return ms;
    await clock.advance(5);
  }
  return Number.POSITIVE_INFINITY;
}

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
});

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
