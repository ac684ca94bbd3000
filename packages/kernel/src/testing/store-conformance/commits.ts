import { expect, test } from 'vitest';
import type { Unit } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { about, after, aWorker, insert, plain, update } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

/** Units are whole or nothing, and expect the records they were decided on. */
export function commits(driver: Driver): void {
  test('what was committed is there, with its entries', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.draft();
    const { outcomes, entries } = await scribe.store.commit([insert(task)], scribe.at);
    expect(outcomes).toEqual(['committed']);
    expect(entries.map(({ id, type, taskId, at }) => ({ id, type, taskId, at }))).toEqual([
      { id: 1, type: 'task_submitted', taskId: task.id, at: scribe.at },
    ]);
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(task));
  });

  test('a commit may be large, after another large one, and be followed by small ones', async () => {
    const scribe = await openFor(driver);
    for (let round = 0; round < 2; round++) {
      const drafts: Task[] = [];
      for (let n = 0; n < 1200; n++) drafts.push(await scribe.draft());
      const puts = drafts.flatMap((task) => insert(task).puts);
      expect((await scribe.store.commit([{ puts, events: [] }], scribe.at)).outcomes).toEqual(['committed']);
      // The same again is too late with all of it.
      const again = await scribe.store.commit([{ puts, events: [] }], scribe.at);
      expect(again).toEqual({ outcomes: ['conflict'], entries: [] });
      await scribe.add();
    }
    expect((await scribe.store.survey()).tasks.queued).toBe(2402);
  });

  test('a commit of nothing changes nothing', async () => {
    const { store, at } = await openFor(driver);
    expect(await store.commit([], at)).toEqual({ outcomes: [], entries: [] });
    expect((await store.ledger.span()).last).toBe(0);
  });

  test('a unit of events alone is appended', async () => {
    const { store, at } = await openFor(driver);
    const started = { type: 'kernel_started', source: 'kernel', actor: 'kernel', data: { version: '1' } } as const;
    expect((await store.commit([{ puts: [], events: [started] }], at)).entries).toHaveLength(1);
  });

  test('a unit decided on an older version conflicts, and nothing of it happens', async () => {
    const scribe = await openFor(driver);
    const old = await scribe.add();
    const now = await scribe.change(old, { losses: 1 });
    const before = { counts: { ...(await scribe.store.survey()).tasks }, span: await scribe.store.ledger.span() };

    const late = update(old, after(old, { status: 'cancelled' }));
    expect(await scribe.store.commit([late], scribe.at)).toEqual({ outcomes: ['conflict'], entries: [] });

    expect(plain((await scribe.store.task(old.id))!)).toEqual(plain(now));
    expect((await scribe.store.survey()).tasks).toEqual(before.counts);
    expect(await scribe.store.ledger.span()).toEqual(before.span);
  });

  test('one stale record spoils its whole unit, and no other unit', async () => {
    const scribe = await openFor(driver);
    const stale = await scribe.add();
    const fine = await scribe.add();
    const other = await scribe.add();
    await scribe.change(stale, { losses: 1 });
    const mixed: Unit = {
      puts: [
        { kind: 'task', prev: fine, next: after(fine, { losses: 7 }) },
        { kind: 'task', prev: stale, next: after(stale, { losses: 7 }) },
        { kind: 'worker', prev: null, next: aWorker() },
      ],
      events: [about(fine)],
    };
    const { outcomes, entries } = await scribe.store.commit(
      [mixed, update(other, after(other, { losses: 2 }))],
      scribe.at,
    );
    expect(outcomes).toEqual(['conflict', 'committed']);
    expect(entries.map((entry) => entry.taskId)).toEqual([other.id]);
    expect((await scribe.store.task(fine.id))!.losses).toBe(0);
    expect((await scribe.store.task(other.id))!.losses).toBe(2);
    expect(await scribe.store.worker('bee-1')).toBeNull();
  });

  test('what is to be new must not exist', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    const worker = await scribe.addWorker();
    const again = { ...(await scribe.draft()), id: task.id };
    const units: Unit[] = [insert(again), { puts: [{ kind: 'worker', prev: null, next: worker }], events: [] }];
    expect((await scribe.store.commit(units, scribe.at)).outcomes).toEqual(['conflict', 'conflict']);
  });

  test('what is changed must exist', async () => {
    const scribe = await openFor(driver);
    const ghost = await scribe.draft();
    const units: Unit[] = [
      update(ghost, after(ghost, { losses: 1 })),
      { puts: [{ kind: 'worker', prev: aWorker(), next: null }], events: [] },
    ];
    expect((await scribe.store.commit(units, scribe.at)).outcomes).toEqual(['conflict', 'conflict']);
  });

  test('a unit may build on one before it in the same commit', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.draft();
    const next = after(task, { status: 'executing', worker: 'bee-1', leaseToken: 1 });
    await scribe.commit(insert(task), update(task, next));
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(next));
    expect((await scribe.store.survey()).tasks).toMatchObject({ queued: 0, executing: 1 });
  });

  test('a unit that builds on one that conflicted conflicts as well', async () => {
    const scribe = await openFor(driver);
    const old = await scribe.add();
    const bystander = await scribe.add();
    await scribe.change(old, { losses: 1 });
    const second = after(old, { losses: 2 });
    const third = after(second, { losses: 3 });
    const units = [update(old, second), update(second, third), update(bystander, after(bystander, { losses: 4 }))];
    const { outcomes, entries } = await scribe.store.commit(units, scribe.at);
    expect(outcomes[0]).toBe('conflict');
    expect(outcomes[2]).toBe('committed');
    // The record is at version 2 by now, though another version 2: the second unit must not pass for that.
    expect(outcomes[1]).toBe('conflict');
    expect(entries).toHaveLength(1);
    expect((await scribe.store.task(old.id))!.losses).toBe(1);
  });

  test('a unit that changes a record twice is not its own rival, also beside a conflict', async () => {
    const scribe = await openFor(driver);
    const stale = await scribe.add();
    const twice = await scribe.add();
    await scribe.change(stale, { losses: 1 });
    const first = after(twice, { losses: 1 });
    const second = after(first, { losses: 2 });
    const double: Unit = {
      puts: [
        { kind: 'task', prev: twice, next: first },
        { kind: 'task', prev: first, next: second },
      ],
      events: [],
    };
    const late = update(stale, after(stale, { losses: 9 }));
    expect((await scribe.store.commit([late, double], scribe.at)).outcomes).toEqual(['conflict', 'committed']);
    expect((await scribe.store.task(twice.id))!.losses).toBe(2);
  });

  test('sequence numbers set aside are never given out twice', async () => {
    const { store } = await openFor(driver);
    const given = new Set<number>();
    for (const count of [3, 0, 1, 2]) {
      const { firstSequence } = await store.load({ sequences: count });
      for (let n = 0; n < count; n++) given.add(firstSequence + n);
    }
    expect([...given]).toHaveLength(6);
    expect([...given].sort((a, b) => a - b)).toEqual([...given]);
  });

  test('what would make more tasks execute than there is room for conflicts, and what frees room may use it', async () => {
    const scribe = await openFor(driver);
    const tasks: Task[] = [];
    for (let n = 0; n < 4; n++) tasks.push(await scribe.add());
    const [a, b, c, d] = tasks as [Task, Task, Task, Task];
    const start = (task: Task) => update(task, after(task, { status: 'executing', worker: 'bee-1' }));
    const room = 2;
    const first = await scribe.store.commit([start(a), start(b), start(c)], scribe.at, { room });
    expect(first.outcomes).toEqual(['committed', 'committed', 'conflict']);
    expect((await scribe.store.commit([start(c)], scribe.at, { room })).outcomes).toEqual(['conflict']);
    const running = (await scribe.store.task(a.id))!;
    const done = update(running, after(running, { status: 'completed', completedAt: scribe.at }));
    const second = await scribe.store.commit([done, start(c), start(d)], scribe.at, { room });
    expect(second.outcomes).toEqual(['committed', 'committed', 'conflict']);
    expect((await scribe.store.survey()).tasks).toMatchObject({ executing: 2, completed: 1, queued: 1 });
    // Less room than is taken already keeps nobody from ending.
    const other = (await scribe.store.task(b.id))!;
    const end = update(other, after(other, { status: 'completed', completedAt: scribe.at }));
    expect((await scribe.store.commit([end], scribe.at, { room: 0 })).outcomes).toEqual(['committed']);
  });
}
