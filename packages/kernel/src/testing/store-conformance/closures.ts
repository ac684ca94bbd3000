import { expect, test } from 'vitest';
import { MOST_DEPENDENTS, MOST_UNFINISHED } from '../../core/store.ts';
import { TASK_STATUSES, type Task } from '../../core/task.ts';
import { type Driver, openFor } from './driver.ts';

/** Who hangs on whom: `depends_on` and `parent_id`, one step or all the way down. */
export function closures(driver: Driver): void {
  test('dependents are those that name the task, one step only', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const direct = await scribe.add({ depends_on: [root.id] });
    await scribe.add({ depends_on: [direct.id] });
    const { dependents } = await scribe.store.load({ dependents: [root.id] });
    expect(names(dependents)).toEqual({ [root.id]: [direct.id] });
  });

  test('all dependents are followed down every way, each once', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const left = await scribe.add({ depends_on: [root.id] });
    const right = await scribe.add({ depends_on: [root.id] });
    const both = await scribe.add({ depends_on: [left.id, right.id] });
    await scribe.add();
    const { dependents } = await scribe.store.load({ allDependents: [root.id] });
    // Whoever hangs on several comes with each of them, whole.
    for (const id of [left.id, right.id]) expect(dependents.get(id)![0]!.spec.value.description).toBe('dig');
    expect(names(dependents)).toEqual({
      [root.id]: [left.id, right.id],
      [left.id]: [both.id],
      [right.id]: [both.id],
      [both.id]: [],
    });
  });

  test('descendants are followed by parent, not by dependency', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const child = await scribe.add({ parent_id: root.id }, { depth: 1 });
    const grandchild = await scribe.add({ parent_id: child.id }, { depth: 2 });
    await scribe.add({ depends_on: [root.id] });
    const { children } = await scribe.store.load({ allDescendants: [root.id] });
    expect(names(children)).toEqual({ [root.id]: [child.id], [child.id]: [grandchild.id], [grandchild.id]: [] });
  });

  test('relatives come in their present state, whatever that is', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const dependent = await scribe.add({ depends_on: [root.id] }, { status: 'pending', unmet: 1 });
    const ended = await scribe.change(dependent, { status: 'cancelled', error: 'dependency_failed' });
    const { dependents } = await scribe.store.load({ dependents: [root.id] });
    expect(dependents.get(root.id)![0]).toMatchObject({ version: ended.version, status: 'cancelled' });
  });

  test('the tasks of a plan that have not ended, oldest first', async () => {
    const scribe = await openFor(driver);
    const made: Task[] = [];
    for (const status of TASK_STATUSES) made.push(await scribe.add({}, { plan: 'p', status }));
    await scribe.add({}, { plan: 'q' });
    await scribe.add({}, {});
    const queued = await scribe.change(made[1]!, { losses: 2 });
    const { unfinished } = await scribe.store.load({ unfinished: ['p', 'q', 'none'] });
    const ids = [...unfinished].map(([plan, tasks]) => [plan, tasks.map(({ id }) => id)]);
    expect(ids).toEqual([
      ['p', made.slice(0, 3).map(({ id }) => id)],
      ['q', ['task-9']],
      ['none', []],
    ]);
    expect(unfinished.get('p')![1]).toMatchObject({ version: queued.version, losses: 2 });
  });

  test('of a large plan those that are the oldest', async () => {
    const scribe = await openFor(driver);
    const fields = { plan: 'p' } as const;
    const ended = await scribe.add({}, { ...fields, status: 'failed' });
    const made: Task[] = [];
    for (let n = 0; n < MOST_UNFINISHED + 2; n++) made.push(await scribe.add({}, fields));
    const { unfinished } = await scribe.store.load({ unfinished: ['p'] });
    expect(unfinished.get('p')!.map(({ id }) => id)).toEqual(made.slice(0, MOST_UNFINISHED).map(({ id }) => id));
    expect(ended.status).toBe('failed');
  });

  test('who depends on a task of a plan and is not of it, and how many do in all', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add({}, { plan: 'p' });
    const member = await scribe.add({ depends_on: [root.id] }, { plan: 'p' });
    const outsider = await scribe.add({ depends_on: [root.id, member.id] }, { status: 'pending', unmet: 2 });
    const other = await scribe.add({ depends_on: [root.id] }, { plan: 'q' });
    await scribe.add({ depends_on: [outsider.id] });
    const alone = await scribe.add({}, { plan: 'q' });
    const asked = [
      { plan: 'p', ids: [root.id, member.id] },
      { plan: 'q', ids: [alone.id] },
    ];
    const { outsiders } = await scribe.store.load({ outsiders: asked });
    expect([...outsiders].map(([id, { tasks, count }]) => [id, tasks.map((task) => task.id).sort(), count])).toEqual([
      [root.id, [outsider.id, other.id].sort(), 3],
      [member.id, [outsider.id], 1],
      [alone.id, [], 0],
    ]);
    expect(outsiders.get(root.id)!.tasks.find(({ id }) => id === outsider.id)).toMatchObject({ unmet: 2 });
  });

  test('some of those that depend on a task, by age, and whether there are more', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const made: Task[] = [];
    for (let n = 0; n < MOST_DEPENDENTS + 3; n++) made.push(await scribe.add({ depends_on: [root.id] }));
    await scribe.add({ depends_on: [made[0]!.id] });
    const load = async (id: string, after: number) =>
      (await scribe.store.load({ portions: [{ id, after }] })).portions.get(id)!;
    const first = await load(root.id, 0);
    expect(first.tasks.map(({ id }) => id)).toEqual(made.slice(0, MOST_DEPENDENTS).map(({ id }) => id));
    expect(first).toMatchObject({ more: true, count: MOST_DEPENDENTS + 3 });
    const second = await load(root.id, made[2]!.seq);
    expect(second.tasks.map(({ id }) => id)).toEqual(made.slice(3).map(({ id }) => id));
    expect(second).toMatchObject({ more: false, count: MOST_DEPENDENTS + 3 });
    expect(await load(made[0]!.id, 0)).toMatchObject({ tasks: [{ status: 'queued' }], more: false, count: 1 });
    expect(await load('nobody', 0)).toEqual({ tasks: [], more: false, count: 0 });
    const asked = [root.id, made[0]!.id].map((id) => ({ id, after: 0 }));
    const { portions } = await scribe.store.load({ portions: asked });
    expect([...portions].map(([id, { count }]) => [id, count])).toEqual([
      [root.id, MOST_DEPENDENTS + 3],
      [made[0]!.id, 1],
    ]);
  });

  test('somebody may depend on what is not stored', async () => {
    const scribe = await openFor(driver);
    const waiting = await scribe.add({ depends_on: ['elsewhere'] });
    const { dependents } = await scribe.store.load({ allDependents: ['elsewhere'] });
    expect(names(dependents).elsewhere).toEqual([waiting.id]);
  });
}

function names(relation: ReadonlyMap<string, readonly Task[]>): Record<string, string[]> {
  return Object.fromEntries([...relation].map(([id, tasks]) => [id, tasks.map((task) => task.id).sort()]));
}
