/** A colony on a Redis Cluster of several nodes: it lives in one slot, on one of them, whichever is asked first. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Piece } from '../src/core/archive.ts';
import type { Store } from '../src/core/store.ts';
import { migrate } from '../src/migrate.ts';
import type { Place } from '../src/migrate-place.ts';
import { RedisStore } from '../src/store/redis/store.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { portrait } from '../src/testing/portrait.ts';
import { startCluster } from '../src/testing/redis-cluster.ts';
import type { RedisServer } from '../src/testing/redis-server.ts';
import { Scribe } from '../src/testing/scribe.ts';
import { furnish, NAMES } from '../src/testing/store-conformance/furnished.ts';
import { temporaryPath } from '../src/testing/temporary-path.ts';
import { onRedis, startColony } from './api/harness.ts';

let nodes: RedisServer[];
beforeAll(async () => {
  nodes = await startCluster(2);
});
afterAll(async () => {
  for (const node of nodes) await node.stop();
});

/** Names of colonies that live on the first node and on the second. */
async function colonies(name: string): Promise<[string, string]> {
  const found: string[] = [];
  for (let n = 0; found[0] === undefined || found[1] === undefined; n++) {
    const slot = Number(await nodes[0]!.ask('CLUSTER', 'KEYSLOT', `{${name}-${n}}:meta`));
    found[slot < 8192 ? 0 : 1] ??= `${name}-${n}`;
  }
  return found as [string, string];
}

async function aColony(): Promise<Place & { kind: 'sqlite' }> {
  const path = temporaryPath('colony.db');
  const store = await SqliteStore.open({ path });
  await furnish(new Scribe(store));
  await store.close();
  return { kind: 'sqlite', path };
}

async function open(place: Place): Promise<Store> {
  const store =
    place.kind === 'sqlite'
      ? await SqliteStore.open({ path: place.path })
      : await RedisStore.openAlone({ url: place.url, colony: place.colony, clear: false });
  onTestFinished(() => store.close());
  return store;
}

function move(from: Place, to: Place, force = false) {
  return migrate({ from, to, force, tell: () => undefined });
}

test('a colony moves from a file onto either node, from one to the other, and back', async () => {
  const from = await aColony();
  const [first, second] = (await colonies('moved')).map(
    (colony): Place => ({ kind: 'redis', url: nodes[0]!.url, colony }),
  );
  const to: Place = { kind: 'sqlite', path: temporaryPath('copy.db') };
  await move(from, second!);
  await move(second!, first!);
  expect((await move(first!, to)).tasks).toBe(10);
  const all = await Promise.all(
    [from, first!, second!, to].map(async (place) => portrait(await open(place), NAMES, false)),
  );
  for (const one of all.slice(1)) expect(one).toEqual(all[0]);
});

test('a move that was not finished begins anew, and leaves nothing of the first try', async () => {
  const [from, [, colony]] = [await aColony(), await colonies('begun')];
  const to: Place = { kind: 'redis', url: nodes[0]!.url, colony };
  const half = await RedisStore.openAlone({ url: to.url, colony: to.colony, clear: false });
  const source = await SqliteStore.open({ path: from.path });
  async function* withoutEntries(): AsyncGenerator<Piece> {
    for await (const piece of source.dump()) if (piece.kind !== 'entries') yield piece;
  }
  await expect(half.restore(withoutEntries())).rejects.toThrow('arrived where');
  await Promise.all([source.close(), half.close()]);
  await expect(move(from, to)).rejects.toThrow('with --force, which begins anew');
  await move(from, to, true);
  expect(await portrait(await open(to), NAMES, false)).toEqual(await portrait(await open(from), NAMES, false));
});

test('kernels that know of different nodes are one colony', async () => {
  for (const colony of await colonies('served')) {
    const kernels = await Promise.all(nodes.map((node) => startColony(onRedis(node, colony))));
    const [a, b] = kernels as [(typeof kernels)[0], (typeof kernels)[0]];
    const worker = (await a.call('POST /workers', { name: 'w', capabilities: [] })).json.id;
    const waiting = a.call(`POST /workers/${worker}/claim`, { wait_seconds: 15 });
    const { id } = (await b.call('POST /tasks', { description: 'x' })).json;
    const [task] = (await waiting).json.tasks;
    expect(task.id).toBe(id);
    expect((await b.call(`POST /tasks/${id}/complete`, { lease_token: task.lease.token })).status).toBe(200);
    expect((await a.call('GET /system/audit/verify')).json.valid).toBe(true);
  }
});
