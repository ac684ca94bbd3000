import { expect, onTestFinished, test } from 'vitest';
import { nameOf } from '../../core/document.ts';
import { REMOVED, type Unit } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { about, after, aWorker, insert, plain, Scribe, update } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { tell } from './ledger.ts';

/** Several writers of one colony: each sees what the others did, and of two rivals one wins. */
export function severalKernels(driver: Driver): void {
  async function two(): Promise<[Scribe, Scribe]> {
    const one = await openFor(driver);
    const other = new Scribe(await driver.join!(one.store));
    onTestFinished(() => other.store.close());
    return [one, other];
  }

  test('what one has committed the other sees at once', async () => {
    const [one, other] = await two();
    const task = await one.add({ requirements: { region: 'eu' } });
    await one.addWorker();
    expect(plain((await other.store.task(task.id))!)).toEqual(plain(task));
    expect(await other.store.worker('bee-1')).toEqual(aWorker());
    const { tasks, lanes } = await other.store.survey();
    expect([tasks.queued, [...lanes.keys()]]).toEqual([1, [task.lane]]);
    const head = await other.store.load({ lanes: [{ lane: task.lane, after: null, limit: 9 }] });
    expect(head.lanes.get(task.lane)!.tasks.map(({ id }) => id)).toEqual([task.id]);
    expect((await other.store.ledger.span()).last).toBe(1);
  });

  test('lanes that come and go at one are listed as they are by the other', async () => {
    const [one, other] = await two();
    const task = await one.add({ requirements: { region: 'eu' } });
    expect((await other.store.survey()).lanes.size).toBe(1);
    const taken = await one.change(task, { status: 'executing' });
    expect((await other.store.survey()).lanes.size).toBe(0);
    await one.change(taken, { status: 'queued' });
    expect((await other.store.survey()).lanes.get(task.lane)).toMatchObject({ requirements: { region: 'eu' } });
  });

  test('of two that change one record at the same time one wins, and each change is whole', async () => {
    const [one, other] = await two();
    let task = await one.add();
    for (let round = 1; round <= 20; round++) {
      const rivals = [one, other].map((scribe, n) => {
        const worker = aWorker({ id: `bee-${round}-${n}` });
        const mine = update(task, after(task, { losses: round * 10 + n }));
        return scribe.store.commit(
          [{ puts: [...mine.puts, { kind: 'worker', prev: null, next: worker }], events: mine.events }],
          scribe.at,
        );
      });
      const outcomes = (await Promise.all(rivals)).map((committed) => committed.outcomes[0]);
      expect(outcomes.toSorted()).toEqual(['committed', 'conflict']);
      const winner = outcomes.indexOf('committed');
      task = (await other.store.task(task.id))!;
      expect(task).toMatchObject({ version: round + 1, losses: round * 10 + winner });
      expect(await one.store.worker(`bee-${round}-${winner}`)).not.toBeNull();
      expect(await one.store.worker(`bee-${round}-${1 - winner}`)).toBeNull();
    }
    expect((await one.store.ledger.span()).last).toBe(21);
  });

  test('of several units only those conflict that the other has overtaken', async () => {
    const [one, other] = await two();
    const tasks: Task[] = [];
    for (let n = 0; n < 6; n++) tasks.push(await one.add());
    await other.commit(...tasks.slice(0, 3).map((task) => update(task, after(task, { losses: 1 }))));
    const units: Unit[] = tasks.map((task) => update(task, after(task, { losses: 2 })));
    const { outcomes, entries } = await one.store.commit(units, one.at);
    expect(outcomes).toEqual(['conflict', 'conflict', 'conflict', 'committed', 'committed', 'committed']);
    expect(entries.map(({ id, taskId }) => [id, taskId])).toEqual(tasks.slice(3).map(({ id }, n) => [10 + n, id]));
  });

  test('a new key or a new task belongs to one of them', async () => {
    const [one, other] = await two();
    const record = { key: 'k', bodyHash: 'h', at: 1 };
    const outcomes = await Promise.all(
      [one, other].map(async (scribe, n) => {
        const task = await scribe.draft({}, { id: 'same' });
        const unit: Unit = {
          puts: [...insert(task).puts, { kind: 'idempotency', prev: null, next: { ...record, taskIds: [`t${n}`] } }],
          events: [],
        };
        return (await scribe.store.commit([unit], scribe.at)).outcomes[0];
      }),
    );
    expect(outcomes.toSorted()).toEqual(['committed', 'conflict']);
    const { idempotency } = await one.store.load({ idempotency: ['k'] });
    expect(idempotency.get('k')!.taskIds).toEqual([`t${outcomes.indexOf('committed')}`]);
  });

  test('sequence numbers are given to one or the other', async () => {
    const [one, other] = await two();
    const loads = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? one : other).store.load({ sequences: 5 })),
    );
    const given = loads.flatMap(({ firstSequence }) => Array.from({ length: 5 }, (_, n) => firstSequence + n));
    expect(new Set(given).size).toBe(100);
  });

  test('invariant 11: what both append is one gapless ledger, in one order, whoever seals it and whenever', async () => {
    const [one, other] = await two();
    const answered = new Map<number, string | null>();
    const write = async (scribe: Scribe, name: string) => {
      for (let n = 0; n < 60; n++) {
        const events = Array.from({ length: 1 + (n % 3) }, (_, at) => about({ id: `${name}-${n}-${at}` }));
        for (const entry of (await scribe.commit(tell(...events))).entries) answered.set(entry.id, entry.taskId);
        if (n % 7 === 0) void scribe.store.ledger.seal();
      }
    };
    await Promise.all([write(one, 'one'), write(other, 'other')]);
    await Promise.all([one.store.ledger.seal(), other.store.ledger.seal()]);
    const read = await one.store.ledger.read(0, 1000);
    expect(read.map(({ id }) => id)).toEqual(Array.from({ length: 240 }, (_, n) => n + 1));
    expect(new Map(read.map(({ id, taskId }) => [id, taskId]))).toEqual(answered);
    expect(await other.store.ledger.verify()).toMatchObject({ valid: true, entries: 240, head: read.at(-1)!.hash });
  });

  test('what rests on a document that another has changed does not hold, and on one that is as it was it does', async () => {
    const [one, other] = await two();
    const document = await one.addDocument();
    const rests = (version: number): Unit => ({
      puts: [],
      events: [about({ id: 't' })],
      reads: [{ kind: 'document', id: nameOf(document), version }],
    });
    expect((await one.store.commit([rests(1)], one.at)).outcomes).toEqual(['committed']);
    await other.changeDocument(document, { state: 'closed' });
    expect((await one.store.commit([rests(1), rests(2)], one.at)).outcomes).toEqual(['conflict', 'committed']);
    const unmade = { kind: 'document', id: 'vote nowhere', version: 0 } as const;
    expect((await one.store.commit([{ ...rests(0), reads: [unmade] }], one.at)).outcomes).toEqual(['committed']);
  });

  test('what rests on what is left of a removed task does not hold once nothing is left', async () => {
    const [one, other] = await two();
    const { id } = await one.add({}, { status: 'completed', completedAt: one.at - 2, queuedAt: null });
    await one.commit(tell(about({ id: 'newest' })));
    await one.store.ledger.seal();
    const rests: Unit = { puts: [], events: [about({ id: 't' })], reads: [{ kind: 'task', id, version: REMOVED }] };
    const commit = async () => (await one.store.commit([rests], one.at)).outcomes[0];
    expect(await commit()).toBe('conflict');
    await other.store.prune({ endedBefore: one.at, ledgerBefore: null, idempotencyBefore: 0 }, 9);
    expect(await commit()).toBe('committed');
    await other.store.ledger.seal();
    await other.store.prune({ endedBefore: null, ledgerBefore: one.at + 1, idempotencyBefore: 0 }, 9);
    expect(await commit()).toBe('conflict');
  });
}
