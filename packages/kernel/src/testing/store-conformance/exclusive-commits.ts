import { expect, onTestFinished, test } from 'vitest';
import type { Unit } from '../../core/store.ts';
import { Hermit } from '../hermit.ts';
import { portrait } from '../portrait.ts';
import { about, after, insert, Scribe, update } from '../scribe.ts';
import type { Driver } from './driver.ts';
import { furnish, NAMES, RETENTION } from './furnished.ts';

/** Commits that rest on nobody else having committed: as good as any, as long as that is so, and nothing otherwise. */
export function exclusiveCommits(driver: Driver): void {
  async function hermit(): Promise<Hermit> {
    const store = await driver.open();
    onTestFinished(() => store.close());
    return Hermit.begin(store);
  }

  async function fellowOf({ store }: Scribe): Promise<Scribe> {
    const fellow = new Scribe(await driver.join!(store));
    onTestFinished(() => fellow.store.close());
    return fellow;
  }

  test('they come to what other commits come to', async () => {
    const [alone, other] = [await hermit(), new Scribe(await driver.open())];
    onTestFinished(() => other.store.close());
    for (const one of [alone, other]) {
      await furnish(one);
      const running = (await one.store.task('task-5'))!;
      const requeued = await one.change(running, { status: 'queued', queuedAt: one.at, worker: null });
      const ended = await one.change(requeued, { status: 'failed', completedAt: one.at });
      await one.change(ended, { status: 'queued', completedAt: null });
      await one.commit({ puts: [], events: [about(ended)] });
      const bee = (await one.store.worker('bee-2'))!;
      await one.commit({ puts: [{ kind: 'worker', prev: bee, next: null }], events: [] });
      await one.store.ledger.seal();
    }
    expect(await portrait(alone.store, NAMES)).toEqual(await portrait(other.store, NAMES));
    expect(await alone.store.survey()).toEqual({
      ...(await other.store.survey()),
      mark: expect.anything(),
      epoch: expect.anything(),
    });
    for (const one of [alone, other]) await one.store.prune(RETENTION, 100);
    expect(await portrait(alone.store, NAMES)).toEqual(await portrait(other.store, NAMES));
    expect((await alone.store.ledger.verify()).valid).toBe(true);
  });

  test('each may rest on the ones before it that are not answered yet', async () => {
    const alone = await hermit();
    const tasks = await Promise.all(Array.from({ length: 10 }, () => alone.draft()));
    const under: Promise<unknown>[] = [];
    for (const task of tasks) {
      const next = after(task, { losses: 1 });
      under.push(alone.commit(insert(task)), alone.commit(update(task, next)));
      under.push(alone.commit(update(next, after(next, { losses: 2 }))));
    }
    await Promise.all(under);
    for (const { id } of tasks) {
      expect(await alone.store.task(id)).toMatchObject({ version: 3, losses: 2 });
      expect(await alone.store.ledger.query({ taskId: id, limit: 9 })).toHaveLength(3);
    }
    expect((await alone.store.ledger.span()).last).toBe(30);
    expect((await alone.store.ledger.verify()).valid).toBe(true);
  });

  test('once somebody else has committed, nothing comes of them, nor of those that rest on them', async () => {
    const alone = await hermit();
    const task = await alone.add();
    await alone.change(task, { losses: 1 });
    await (await fellowOf(alone)).commit({ puts: [], events: [about({ id: 'elsewhere' })] });
    const next = after((await alone.store.task(task.id))!, { losses: 2 });
    const units: Unit[][] = [[update(task, next)], [update(next, after(next, { losses: 3 }))], []];
    const under = units.map((some) => alone.store.commit(some, alone.at, { basis: alone.basis() }));
    expect(await Promise.all(under)).toEqual([
      { outcomes: ['conflict'], entries: [], undisturbed: false },
      { outcomes: ['conflict'], entries: [], undisturbed: false },
      { outcomes: [], entries: [], undisturbed: false },
    ]);
    expect(await alone.store.task(task.id)).toMatchObject({ losses: 1, version: 2 });
    expect((await alone.store.ledger.span()).last).toBe(3);
  });

  test('of two who both believe to be alone one is, and who was mistaken can begin anew', async () => {
    const one = await hermit();
    const task = await one.add();
    const other = await Hermit.begin((await fellowOf(one)).store);
    let losses = 0;
    for (let round = 0; round < 20; round++) {
      const now = (await one.store.task(task.id))!;
      const marks = await Promise.all([one, other].map(({ store }) => Hermit.begin(store)));
      const outcomes = await Promise.allSettled(marks.map((each) => each.change(now, { losses: losses + 1 })));
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      losses++;
    }
    expect(await other.store.task(task.id)).toMatchObject({ losses: 20, version: 21 });
    expect((await one.store.ledger.span()).last).toBe(21);
  });

  test('without units they tell whether somebody else has committed, and write nothing', async () => {
    const alone = await hermit();
    await alone.add();
    const { mark } = await alone.store.survey();
    const asked = () => alone.store.commit([], alone.at, { basis: { mark: mark!, exclusive: true, next: mark! } });
    expect(await asked()).toMatchObject({ undisturbed: true });
    expect(await asked()).toMatchObject({ undisturbed: true });
    expect((await alone.store.survey()).mark).toBe(mark);
    await (await fellowOf(alone)).add({}, { id: 'elsewhere' });
    expect(await asked()).toMatchObject({ undisturbed: false });
  });

  test('a commit that is not exclusive is told whether somebody has been there', async () => {
    const scribe = new Scribe((await hermit()).store);
    const fellow = await fellowOf(scribe);
    const told = async (mark: string) => {
      const basis = { mark, exclusive: false, next: scribe.store.fellows!.newMark() };
      return (await scribe.store.commit([{ puts: [], events: [about({ id: 'a' })] }], scribe.at, { basis }))
        .undisturbed;
    };
    const { mark } = await scribe.store.survey();
    expect(await told(mark!)).toBe(true);
    expect(await told(mark!)).toBe(false);
    const then = (await scribe.store.survey()).mark!;
    await fellow.commit({ puts: [], events: [about({ id: 'b' })] });
    expect(await told(then)).toBe(false);
  });

  test('what retention has removed in between is not brought back', async () => {
    const alone = await hermit();
    const task = await alone.add({}, { status: 'failed', completedAt: alone.at - 10 });
    await alone.add();
    const fellow = await fellowOf(alone);
    await fellow.store.prune({ endedBefore: alone.at, ledgerBefore: null, idempotencyBefore: 0 }, 10);
    const again = update(task, after(task, { status: 'queued' }));
    const { outcomes } = await alone.store.commit([again], alone.at, { basis: alone.basis() });
    expect(outcomes).toEqual(['conflict']);
    expect(await alone.store.task(task.id)).toBeNull();
  });
}
