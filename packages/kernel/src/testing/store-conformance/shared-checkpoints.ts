import { expect, onTestFinished, test } from 'vitest';
import type { Saving } from '../../core/saved.ts';
import type { Unit } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { Hermit } from '../hermit.ts';
import { savedSince } from '../portrait.ts';
import { after, DAWN, insert, Scribe, update } from '../scribe.ts';
import { at } from './checkpoints.ts';
import { type Driver, openFor } from './driver.ts';

/** Checkpoints of a colony that several kernels write: what is decided before one does not count after it. */
export function sharedCheckpoints(driver: Driver): void {
  async function fellowOf({ store }: Scribe): Promise<Scribe> {
    const fellow = new Scribe(await driver.join!(store));
    onTestFinished(() => fellow.store.close());
    return fellow;
  }

  async function two(): Promise<[Scribe, Scribe]> {
    const one = await openFor(driver);
    return [one, await fellowOf(one)];
  }

  async function hermit(): Promise<Hermit> {
    const store = await driver.open();
    onTestFinished(() => store.close());
    return Hermit.begin(store);
  }

  /** Number and version of what is kept of a task since a checkpoint. */
  async function kept({ store }: Scribe, since: number, { id }: Task): Promise<(readonly [number, number])[]> {
    const items = (await savedSince(store, since)).filter((item) => item.kind === 'task' && item.id === id);
    return items.map(({ number, saved }) => [number, (saved as Task | null)?.version ?? 0]);
  }

  const stages: [string, Saving, Saving][] = [
    ['a checkpoint', null, at(1)],
    ['another checkpoint', at(1), at(2)],
    ['a rollback', at(1), { number: 1, rolling: true }],
    ['the end of all checkpoints', at(1), null],
  ];
  test.each(stages)('what was decided before %s of another kernel conflicts, all of it', async (_, before, next) => {
    const [one, other] = await two();
    if (before) await one.save(before);
    const [task, fresh] = [await one.add(), await one.draft()];
    const units: Unit[] = [update(task, after(task, { losses: 1 })), insert(fresh), { puts: [], events: [] }];
    const { saving } = await one.store.survey();
    await other.save(next);
    const commit = async (under: Saving) => one.store.commit(units, one.at, { saving: under });
    expect(await commit(saving)).toEqual({ outcomes: ['conflict', 'conflict', 'conflict'], entries: [] });
    expect(await one.store.task(task.id)).toMatchObject({ version: 1 });
    const now = (await one.store.survey()).saving;
    expect(now).toEqual(next);
    expect((await commit(now)).outcomes).toEqual(['committed', 'committed', 'committed']);
    const number = next?.number === 2 ? 2 : 1;
    if (next) expect(await kept(other, number, fresh)).toEqual([[number, 0]]);
    else expect(await kept(other, 0, task)).toEqual([[1, 0]]);
  });

  test('who does not say what it was decided under keeps what it changes however the store saves', async () => {
    const [one, other] = await two();
    const task = await one.add();
    await other.save(at(3));
    await one.change(task, { losses: 1 });
    expect(await kept(other, 3, task)).toEqual([[3, 1]]);
  });

  test('of two who make a checkpoint at the same time one does', async () => {
    const pair = await two();
    let prev: Saving = null;
    for (let number = 1; number <= 10; number++) {
      const unit: Unit = { puts: [{ kind: 'saving', prev, next: at(number) }], events: [] };
      const commits = await Promise.all(pair.map(({ store }) => store.commit([unit], DAWN, { saving: prev })));
      expect(commits.map(({ outcomes }) => outcomes[0]).toSorted()).toEqual(['committed', 'conflict']);
      prev = at(number);
      for (const { store } of pair) expect((await store.survey()).saving).toEqual(prev);
    }
  });

  test('whoever changes a record first keeps what it was, and others do not replace it', async () => {
    const [one, other] = await two();
    let task = await one.add();
    for (const number of [1, 2, 3]) {
      await one.save(at(number));
      for (const scribe of [one, other, one]) task = await scribe.change(task, { losses: number });
    }
    expect(await kept(one, 1, task)).toEqual([[1, 1]]);
    expect(await kept(other, 2, task)).toEqual([[2, 4]]);
    expect(await kept(one, 3, task)).toEqual([[3, 7]]);
  });

  test('exclusive commits that were sent before a checkpoint was answered are kept under it', async () => {
    const alone = await hermit();
    let task = await alone.add();
    // Known to be alone, and by then a transaction where there are any.
    for (let n = 0; n < 3; n++) task = await alone.change(task, { losses: n });
    const under: Promise<unknown>[] = [];
    let saving: Saving = null;
    for (const number of [4, 5, 6]) {
      const puts: Unit['puts'] = [{ kind: 'saving', prev: saving, next: at(number) }];
      saving = at(number);
      under.push(alone.commit({ puts, events: [] }));
      for (let n = 0; n < 3; n++) {
        const next = after(task, { losses: 10 * number + n });
        under.push(alone.commit(update(task, next)));
        task = next;
      }
    }
    await Promise.all(under);
    expect(await kept(alone, 1, task)).toEqual([[4, 4]]);
    expect(await kept(alone, 5, task)).toEqual([[5, 7]]);
    expect(await kept(alone, 6, task)).toEqual([[6, 10]]);
    expect(await alone.store.task(task.id)).toMatchObject({ version: 13, losses: 62 });
  });

  test('nothing comes of exclusive commits once another kernel has made a checkpoint', async () => {
    const alone = await hermit();
    const task = await alone.add();
    await (await fellowOf(alone)).save(at(1));
    await expect(alone.change(task, { losses: 1 })).rejects.toThrow('somebody else has committed');
    const again = await Hermit.begin(alone.store);
    await again.change(task, { losses: 2 });
    expect(await kept(again, 1, task)).toEqual([[1, 1]]);
  });
}
