/** On a cluster another node may become the slot's master without any connection being lost. */
import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { freePort, RedisServer } from '../src/testing/redis-server.ts';
import { type JsonValue, onRedis, startColony, TestSocket } from './api/harness.ts';

const SOON = { timeout: 15_000 };

async function node(): Promise<RedisServer> {
  const clustered = { 'cluster-enabled': 'yes', 'cluster-port': String(await freePort()) };
  const server = await RedisServer.start({ ...clustered, 'repl-diskless-sync-delay': '0' });
  onTestFinished(() => server.stop());
  return server;
}

/** A cluster of one master, which has all slots, and its replica. */
async function cluster(): Promise<[RedisServer, RedisServer]> {
  const [master, replica] = [await node(), await node()];
  await master.ask('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  const bus = /^\S+ \S+@(\d+)/.exec(await master.ask('CLUSTER', 'NODES'))![1]!;
  await replica.ask('CLUSTER', 'MEET', '127.0.0.1', String(master.port), bus);
  const id = await master.ask('CLUSTER', 'MYID');
  await expect.poll(() => replica.ask('CLUSTER', 'REPLICATE', id).catch(String), SOON).toBe('OK');
  await expect.poll(() => replica.ask('INFO', 'replication'), SOON).toContain('master_link_status:up');
  await expect.poll(() => master.ask('CLUSTER', 'INFO'), SOON).toContain('cluster_state:ok');
  return [master, replica];
}

/** From here on the replica gets nothing more. */
async function cutOff(replica: RedisServer, master: RedisServer): Promise<void> {
  await replica.follows(master);
  await replica.ask('CONFIG', 'SET', 'masterauth', 'wrong');
  await master.ask('CLIENT', 'KILL', 'TYPE', 'REPLICA');
  await expect.poll(() => replica.ask('INFO', 'replication'), SOON).toContain('master_link_status:down');
}

test('invariant 4: what the new master of a cluster lacks is noticed before anything is committed there', async () => {
  const [master, replica] = await cluster();
  const { call, listen } = await startColony(onRedis(master, randomUUID()));
  const watcher = await new TestSocket(`${await listen()}/ws/events`).open();
  const worker = (await call('POST /workers', { name: 'w', capabilities: [], max_concurrent_tasks: 9 })).json.id;
  const { id } = (await call('POST /tasks', { description: 'x' })).json;
  const claim = async () => (await call(`POST /workers/${worker}/claim`, { wait_seconds: 15 })).json.tasks[0];
  const first = await claim();
  await cutOff(replica, master);
  await call(`POST /tasks/${id}/release`, { lease_token: first.lease.token });
  const lost = await claim();
  const { ledger_entries: before } = (await call('GET /system/stats')).json.kernel;

  await replica.ask('CLUSTER', 'FAILOVER', 'TAKEOVER');
  await expect.poll(() => master.ask('INFO', 'replication'), SOON).toContain('role:slave');
  await expect.poll(async () => (await call(`GET /tasks/${id}`)).json.status, SOON).toBe('queued');
  const again = await claim();
  expect(again.lease.token).toBeGreaterThan(lost.lease.token);
  await watcher.message(({ type }) => type === 'rollback_completed');
  const told = (await call('GET /system/audit?type=rollback_completed')).json.entries;
  expect(told.map(({ details }: JsonValue) => details.lost_up_to)).toContain(before);
  await expect.poll(async () => (await call('GET /system/audit/verify')).json.valid, SOON).toBe(true);
});
