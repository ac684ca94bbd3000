/** Retention on Redis, where others write, seal and prune at the same time. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Retention } from '../../core/store.ts';
import { type Call, RedisConnection } from '../../redis/connection.ts';
import { after, before } from '../../testing/meddling.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { about, DAWN, insert, Scribe } from '../../testing/scribe.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const TASKS: Retention = { endedBefore: DAWN, ledgerBefore: null, idempotencyBefore: 0 };
const LEDGER: Retention = { endedBefore: null, ledgerBefore: DAWN + 1, idempotencyBefore: 0 };

async function open(colony: string): Promise<Scribe> {
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  return new Scribe(store);
}

async function two(): Promise<[Scribe, Scribe]> {
  const colony = randomUUID();
  return [await open(colony), await open(colony)];
}

async function end(scribe: Scribe, count: number): Promise<void> {
  const ended = { status: 'completed', completedAt: DAWN - 1, queuedAt: null } as const;
  const input = { tags: ['a', 'b', 'c'], depends_on: ['x', 'y'], created_by: 'ann' };
  const fields = { ...ended, plan: 'p', routing: '{"score":1}' };
  const tasks = await Promise.all(Array.from({ length: count }, () => scribe.draft(input, fields)));
  await scribe.commit(...tasks.map(insert));
}

test('a piece of thousands of tasks goes at once, with all that stood beside them', async () => {
  const colony = randomUUID();
  const scribe = await open(colony);
  await end(scribe, 3000);
  expect(await scribe.store.prune(TASKS, 5000)).toBe(3000);
  expect((await scribe.store.survey()).tasks.completed).toBe(0);
  const keys = (await server.ask('KEYS', `{${colony}}:*`)).split(',');
  const kinds = new Set(keys.map((key) => key.split(':')[1]));
  for (const gone of 'tasks specs parents dependents children ended status tag creator plan'.split(' ')) {
    expect(kinds).not.toContain(gone);
  }
});

test('tasks that another kernel has removed meanwhile are passed over', async () => {
  const [one, other] = await two();
  await end(one, 3);
  let gone = 0;
  const prune = async () => {
    gone = await other.store.prune(TASKS, 2);
  };
  after(RedisConnection.prototype, 'send', prune, (command) => command === 'ZRANGEBYSCORE');
  expect(await one.store.prune(TASKS, 9)).toBe(1);
  expect(gone).toBe(2);
  expect((await one.store.survey()).tasks.completed).toBe(0);
});

test('a task that has changed meanwhile stays', async () => {
  const [one, other] = await two();
  await end(one, 1);
  const { items } = await one.store.tasks({ limit: 1, maxBytes: 1 });
  const again = () => other.change(items[0]!, { status: 'queued', completedAt: null, queuedAt: DAWN });
  after(RedisConnection.prototype, 'together', again);
  expect(await one.store.prune(TASKS, 9)).toBe(0);
  expect((await one.store.survey()).tasks).toMatchObject({ completed: 0, queued: 1 });
});

/** Others' commands come in between those that are sent in one go: here, before the n-th of them. */
function comeBetween(n: number, act: () => Promise<unknown>): void {
  const real = RedisConnection.prototype.pipeline;
  const spy = vi.spyOn(RedisConnection.prototype, 'pipeline');
  onTestFinished(() => spy.mockRestore());
  spy.mockImplementation(async function (this: RedisConnection, calls: readonly Call[]) {
    if (calls.length === 1) return real.call(this, calls);
    spy.mockRestore();
    const answers = [];
    for (const [at, call] of calls.entries()) {
      if (at === n) await act();
      answers.push(...(await real.call(this, [call])));
    }
    return answers;
  });
}

test.each([0, 1, 2])('the ledger stays whole when it is sealed while its beginning is looked at (%i)', async (n) => {
  const [one, other] = await two();
  for (let row = 0; row < 3; row++) await one.commit({ puts: [], events: [about({ id: `t${row}` })] });
  comeBetween(n, () => other.store.ledger.seal());
  for (let looks = 0; looks < 2; looks++) await one.store.prune(LEDGER, 100);
  expect(await one.store.ledger.span()).toMatchObject({ first: 3, last: 3 });
  expect(await one.store.ledger.verify()).toMatchObject({ valid: true, entries: 1 });
});

test.each([0, 1, 2, 'later'])('the ledger stays whole when others prune it at the same time (%s)', async (n) => {
  const [one, other] = await two();
  for (let row = 0; row < 5; row++) await one.commit({ puts: [], events: [about({ id: `t${row}` })] });
  await one.store.ledger.seal();
  const prune = () => other.store.prune(LEDGER, 3);
  if (typeof n === 'number') comeBetween(n, prune);
  else before(RedisConnection.prototype, 'run', prune);
  await one.store.prune(LEDGER, 2);
  expect((await one.store.ledger.span()).first).toBeGreaterThan(3);
  expect(await one.store.ledger.verify()).toMatchObject({ valid: true });
});

test('a ledger that loses its beginning while it is verified is not called broken', async () => {
  const [one, other] = await two();
  for (let row = 0; row < 5; row++) await one.commit({ puts: [], events: [about({ id: `t${row}` })] });
  await one.store.ledger.seal();
  const isRows = ([call]: readonly Call[]) => call?.[0] === 'XRANGE';
  before(RedisConnection.prototype, 'pipeline', () => other.store.prune(LEDGER, 3), isRows);
  expect(await one.store.ledger.verify()).toMatchObject({ valid: true, entries: 2 });
});

test('keys whose order was once written without their times go when it is their turn, and are dumped until then', async () => {
  const colony = randomUUID();
  const { store } = await open(colony);
  const key = (name: string) => `{${colony}}:${name}`;
  for (const [name, at] of [
    ['old', DAWN - 1000],
    ['young', DAWN + 1000],
  ] as const) {
    await server.ask('HSET', key('idempotency'), name, `${at}\nhash\ntask`);
    await server.ask('XADD', key('idempotency-by-time'), '*', 'key', name);
  }
  const forget = (idempotencyBefore: number) =>
    store.prune({ endedBefore: null, ledgerBefore: null, idempotencyBefore }, 10);
  expect(await forget(DAWN)).toBe(1);
  expect(await forget(DAWN)).toBe(0);
  const dumped = [];
  for await (const piece of store.dump()) if (piece.kind === 'key') dumped.push(piece.record.key);
  expect(dumped).toEqual(['young']);
  expect(await forget(DAWN + 2000)).toBe(1);
  expect(await server.ask('XLEN', key('idempotency-by-time'))).toBe('0');
});

test('of a colony of the first schema it is not known which keys it has used, of one of the second it is', async () => {
  for (const [schema, lastKey] of [
    ['1', null],
    ['2', 'k'],
  ] as const) {
    const colony = randomUUID();
    const meta = `{${colony}}:meta`;
    await server.ask('HSET', meta, 'schema', schema, 'lastKey', 'k');
    const { store } = await open(colony);
    expect((await store.survey()).lastKey).toBe(lastKey);
    expect(await server.ask('HGET', meta, 'schema')).toBe('5');
  }
});

test('a task of the second schema has had no vote', async () => {
  const colony = randomUUID();
  const { store } = await open(colony);
  const scribe = new Scribe(store);
  const task = await scribe.add({}, { vote: 'vote-1' });
  const key = `{${colony}}:tasks`;
  const text = await server.ask('HGET', key, task.id);
  await server.ask('HSET', key, task.id, text.replace(',"vote-1"]', ']'));
  expect((await store.task(task.id))!.vote).toBeNull();
});

test('a task of the fourth schema belonged to no plan, and nothing was said of its routing', async () => {
  const colony = randomUUID();
  const { store } = await open(colony);
  const scribe = new Scribe(store);
  const plain = await scribe.add();
  const task = await scribe.add({}, { plan: 'p', routing: '{"score":1}' });
  const read = async (hash: string, { id }: { id: string }) => server.ask('HGET', `{${colony}}:${hash}`, id);
  // Records of tasks without either are as they were.
  expect(await read('specs', plain)).toContain(`"${plain.lane}"]\n`);
  expect(await read('tasks', plain)).toMatch(/,null,null\]$/);
  expect(await store.task(plain.id)).toMatchObject({ plan: null, routing: null });
  expect(await read('specs', task)).toContain(`"${task.lane}","p"]\n`);
  expect(await store.task(task.id)).toMatchObject({ plan: 'p', routing: '{"score":1}' });
});

test('what is left of tasks that were removed under earlier schemas is known, and goes when it is its turn', async () => {
  const colony = randomUUID();
  const scribe = await open(colony);
  await scribe.add();
  await server.ask('HSET', `{${colony}}:removed`, 'old', '3\n 1');
  const left = async () => (await scribe.store.load({ tasks: ['old'] })).tasks.get('old');
  expect(await left()).toEqual({ id: 'old', removed: true, status: 'completed' });
  expect(await scribe.store.ledger.query({ taskId: 'old', limit: 9 })).toEqual([]);
  await scribe.commit({ puts: [], events: [about({ id: 'old' })] }, { puts: [], events: [about({ id: 'newest' })] });
  scribe.at += 1000;
  await scribe.commit({ puts: [], events: [about({ id: 'newest' })] });
  await scribe.store.ledger.seal();
  await scribe.store.prune({ ...LEDGER, ledgerBefore: DAWN + 500 }, 100);
  expect(await left()).toBeNull();
});
