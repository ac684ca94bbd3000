/** What happens while the slot of a colony on a Redis Cluster is being moved to another node, a key at a time. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Retention } from '../../core/store.ts';
import { portrait } from '../../testing/portrait.ts';
import { startCluster } from '../../testing/redis-cluster.ts';
import type { RedisServer } from '../../testing/redis-server.ts';
import { after, aWorker, DAWN, Scribe, update } from '../../testing/scribe.ts';
import { RedisStore } from './store.ts';

let nodes: RedisServer[];
beforeAll(async () => {
  nodes = await startCluster(2);
}, 90_000);
afterAll(async () => {
  for (const node of nodes) await node.stop();
});

/** What is refused is tried for so long. */
const TIMEOUT_MS = 500;
const RETENTION: Retention = { endedBefore: DAWN, ledgerBefore: DAWN + 1, idempotencyBefore: 0 };

/** A colony on the first node, and what moves its slot to the second. */
async function scene() {
  const [from, to] = nodes as [RedisServer, RedisServer];
  let [colony, slot] = ['', ''];
  do {
    colony = randomUUID();
    slot = await from.ask('CLUSTER', 'KEYSLOT', `{${colony}}`);
  } while (Number(slot) >= 8192);
  const open = async (hurry: { timeoutMs?: number }) => {
    const store = await RedisStore.open({ url: from.url, colony, ...hurry });
    onTestFinished(() => store.close());
    return store;
  };
  const [store, hurried] = [await open({}), await inTime(() => open({ timeoutMs: TIMEOUT_MS }))];
  const [fromId, toId] = [await from.ask('CLUSTER', 'MYID'), await to.ask('CLUSTER', 'MYID')];
  const keys = async () => (await from.ask('CLUSTER', 'GETKEYSINSLOT', slot, '1000')).split(',').filter(Boolean);
  return {
    ...{ store, hurried },
    scribe: new Scribe(store),
    keys,
    async begin() {
      await to.ask('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await from.ask('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    },
    async move(...keys: string[]) {
      await from.ask('MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
    },
    async end() {
      for (const node of [to, from]) await node.ask('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    },
  };
}

const NAMES = { tasks: ['task-1', 'task-2'], keys: [] };
const REFUSED = "Redis cannot be used: its cluster is moving the colony's slot to another node";
const LATE = 'Redis cannot be used: it does not answer';

/** A machine may be too busy for it to get anywhere in time: then it is asked again. */
async function inTime<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (fault) {
      if ((fault as Error).message !== LATE) throw fault;
    }
  }
}

test('what is written at once is written whole or not at all, whichever of its keys have moved', async () => {
  const { store, hurried, scribe, keys, begin, move, end } = await scene();
  const task = await scribe.add({ tags: ['a'] });
  await scribe.add({ tags: ['b'] }, { status: 'completed', completedAt: DAWN - 1, queuedAt: null });
  await scribe.addWorker();
  await store.ledger.seal();
  const before = await portrait(store, NAMES);
  await begin();
  const { puts, events } = update(task, after(task, { status: 'executing', worker: 'bee-1', leaseToken: 1 }));
  const worker = { kind: 'worker', prev: null, next: aWorker({ id: 'bee-2' }) } as const;
  const tries = async () => {
    const commit = () => hurried.commit([{ puts: [...puts, worker], events }], DAWN);
    await expect(inTime(commit)).rejects.toThrow(REFUSED);
    await expect(inTime(() => hurried.prune(RETENTION, 9))).rejects.toThrow(REFUSED);
    await expect(inTime(() => hurried.probe())).rejects.toThrow(REFUSED);
  };
  await tries();
  const all = await keys();
  const last = all.filter((key) => key.endsWith(':meta'));
  await move(...all.filter((key) => !last.includes(key)));
  await tries();
  await move(...last);
  await tries();
  await end();
  expect(await portrait(store, NAMES)).toEqual(before);
  expect((await store.commit([{ puts: [...puts, worker], events }], DAWN)).outcomes).toEqual(['committed']);
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 3 });
}, 90_000);
