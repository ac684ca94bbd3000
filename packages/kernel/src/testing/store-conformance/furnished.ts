import type { Retention } from '../../core/store.ts';
import type { Names } from '../portrait.ts';
import { about, DAWN, insert, type Scribe } from '../scribe.ts';
import { fill } from './ledger.ts';

/** What a furnished store knows of. */
export const NAMES: Names = {
  tasks: [...Array.from({ length: 12 }, (_, n) => `task-${n + 1}`), 't1', 'nobody'],
  keys: ['k1', 'k2', 'k3'],
};

/** Removes something of every kind from it. */
export const RETENTION: Retention = { endedBefore: DAWN, ledgerBefore: DAWN + 1, idempotencyBefore: DAWN };

/** Gives a store something of every kind, `task-1` being long over. */
export async function furnish(scribe: Scribe): Promise<void> {
  const top = await scribe.add(
    {},
    { status: 'completed', completedAt: DAWN - 10, result: '{"ü":1}', queuedAt: null, plan: 'p-1' },
  );
  const root = await scribe.add({ tags: ['a', 'b'], requirements: { region: 'eu' } });
  await scribe.add(
    { depends_on: [root.id, top.id], priority: 9 },
    { status: 'pending', pendingReason: 'dependencies', unmet: 1, plan: 'p-1' },
  );
  await scribe.add({}, { status: 'pending', pendingReason: 'scheduled', dueAt: DAWN + 10 });
  await work(scribe, root.id);
  for (const [key, at] of [
    ['k1', DAWN - 1],
    ['k2', DAWN],
  ] as const) {
    const next = { key, bodyHash: 'x', taskIds: [root.id, top.id], at };
    await scribe.commit({ puts: [{ kind: 'idempotency', prev: null, next }], events: [] });
  }
  // A family whose middle will be gone.
  const middle = await scribe.add({ parent_id: root.id }, { status: 'cancelled', completedAt: DAWN - 5, depth: 1 });
  await scribe.add({ parent_id: middle.id, created_by: 'ann' }, { depth: 2 });
  await scribe.add({ created_by: 'ann', tags: ['b'], priority: 7 });
  const trace = 'where it\nhappened';
  const fields = { status: 'failed', completedAt: DAWN + 5, retryCount: 1, error: 'no', errorTrace: trace } as const;
  await scribe.add({ requirements: { region: 'eu' }, metadata: { deep: [{}] } }, { ...fields, worker: 'bee-2' });
  await scribe.addDocument({ dueAt: DAWN + 7, body: { ü: ['x\ny', 1.5, null] } });
  const closing = await scribe.addDocument({ id: 'vote-2', createdAt: DAWN + 1, dueAt: DAWN + 3 });
  await scribe.changeDocument(closing, { state: 'denied', dueAt: null, endedAt: DAWN - 1 });
  await scribe.addDocument({ collection: 'policy', id: 'current', state: '' });
  await save(scribe);
  scribe.at += 1000;
  await fill(scribe, 10, 5);
}

/** Two checkpoints, and something of every kind that has changed since. */
async function save(scribe: Scribe): Promise<void> {
  const { store } = scribe;
  await scribe.save({ number: 1, rolling: false });
  const late = await scribe.add({ tags: ['a'] });
  await scribe.remove(await scribe.add({ description: 'a mistake', parent_id: late.id }, { leaseToken: 4 }));
  await scribe.changeDocument((await store.document('vote', 'vote-1'))!, { body: { one: 1 } });
  const prev = (await store.load({ idempotency: ['k2'] })).idempotency.get('k2')!;
  await scribe.commit({ puts: [{ kind: 'idempotency', prev, next: { ...prev, at: DAWN + 1 } }], events: [] });
  await scribe.save({ number: 2, rolling: true });
  const root = await scribe.change((await store.task('task-2'))!, { priority: 5 });
  await scribe.change(root, { queuedAt: DAWN + 2, routing: '{}' });
  await scribe.change(late, { losses: 1 });
}

/** Workers, one of which is at work. */
async function work(scribe: Scribe, other: string): Promise<void> {
  const running = await scribe.draft(
    {},
    {
      ...{ status: 'executing', worker: 'bee-1', leaseToken: 3, deadline: DAWN + 20, startedAt: DAWN },
      progress: { fraction: 0.5, message: 'half', at: DAWN },
      plan: 'p-2',
      routing: '{"score":0.5,"ü":[]}',
    },
  );
  const assigned = { ...about(running, 'task_assigned'), data: { task_id: running.id, worker_id: 'bee-1' } };
  await scribe.commit({ puts: insert(running).puts, events: [about(running), assigned, about({ id: other })] });
  await scribe.addWorker({ holds: [running.id] });
  await scribe.addWorker({ id: 'bee-2', offline: true, draining: true, completed: 3, busyMs: 12 });
}
