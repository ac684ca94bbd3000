/** `colonyos migrate`, as people run it: between kernels that were stopped, each a process of its own. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Piece } from '../../src/core/archive.ts';
import type { Store } from '../../src/core/store.ts';
import { RedisStore } from '../../src/store/redis/store.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { RedisServer } from '../../src/testing/redis-server.ts';
import { Scribe } from '../../src/testing/scribe.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import type { JsonValue } from '../api/harness.ts';
import { colonyos } from '../colonyos.ts';
import { KernelProcess } from '../kernel-process.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const migrate = (...args: string[]) => colonyos('migrate', ...args);

/** A move that must succeed; answers what it says. */
async function moved(...args: string[]): Promise<string> {
  const { code, out, err } = await migrate(...args);
  expect(code, err).toBe(0);
  expect(err).toContain('verified');
  return out;
}

/** A kernel that keeps its colony in a file, or under a name on the Redis. */
async function start(place: { file: string } | { colony: string }, env: Record<string, string> = {}) {
  const kernel = await KernelProcess.start({
    ...('file' in place
      ? { COLONY_MEMORY_CONNECTION_STRING: place.file }
      : {
          COLONY_MEMORY_BACKEND: 'redis',
          COLONY_MEMORY_CONNECTION_STRING: server.url,
          COLONY_SYSTEM_ID: place.colony,
        }),
    ...env,
  });
  onTestFinished(() => void kernel.end('SIGKILL'));
  async function call(route: string, body?: unknown, headers: Record<string, string> = {}): Promise<JsonValue> {
    const [method, path] = route.split(' ') as [string, string];
    const response = await fetch(`${kernel.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    });
    const text = await response.text();
    expect(response.status, `${route}: ${text}`).toBeLessThan(300);
    return text === '' ? null : JSON.parse(text);
  }
  const stop = async () => expect(await kernel.end('SIGTERM')).toBe(0);
  return { call, stop, url: kernel.url };
}
type Kernel = Awaited<ReturnType<typeof start>>;

/** What clients see of a colony; not of its kernels' comings and goings, nor of times that go on. */
async function view({ call }: Kernel): Promise<unknown> {
  const tasks = await call('GET /tasks?limit=100');
  const workers = await call('GET /workers');
  const { entries } = await call('GET /system/audit?limit=1000');
  return {
    tasks: tasks.map((task: JsonValue) => ({ ...task, elapsed_seconds: null })),
    histories: await Promise.all(tasks.map(({ id }: JsonValue) => call(`GET /tasks/${id}/events`))),
    workers: workers.map((worker: JsonValue) => ({ ...worker, last_heartbeat: null })),
    entries: entries.filter(({ event_type }: JsonValue) => !event_type.startsWith('kernel_')),
  };
}

test('a colony moves from a file to Redis and into another file, and goes on with all it knew', async () => {
  const [file, copy, colony] = [temporaryPath('a.db'), temporaryPath('b.db'), randomUUID()];
  let kernel = await start({ file });
  const about = { name: 'bee', capabilities: [{ name: 'dig' }], max_concurrent_tasks: 4 };
  const worker = (await kernel.call('POST /workers', about)).id;
  const requirements = { capability: 'dig' };
  for (const n of [1, 2, 3]) await kernel.call('POST /tasks', { description: `${n}`, requirements, priority: n });
  const [first, second] = (await kernel.call(`POST /workers/${worker}/claim`, { max_tasks: 2 })).tasks;
  await kernel.call(`POST /tasks/${first.id}/complete`, { lease_token: first.lease.token, result: 'gold' });
  const key = { 'idempotency-key': 'once' };
  const keyed = { description: 'later', tags: ['slow'], delay_seconds: 3600, depends_on: [second.id] };
  const { id } = await kernel.call('POST /tasks', keyed, key);
  await kernel.call('POST /tasks', { description: 'child', parent_id: second.id });
  const before = await view(kernel);
  await kernel.stop();

  const bytes = readFileSync(file);
  const there = await moved('--from', file, '--to', server.url, '--system-id', colony);
  expect(there).toMatch(/^moved 5 tasks, 0 removed tasks, 1 workers, \d+ ledger entries, 1 idempotency keys\n/);
  expect(there).toMatch(/\nledger verified: head [0-9a-f]{64} on both sides\n$/);
  expect(readFileSync(file).equals(bytes)).toBe(true);

  kernel = await start({ colony });
  expect(await view(kernel)).toEqual(before);
  expect((await kernel.call('POST /tasks', keyed, key)).id).toBe(id);
  await kernel.call(`POST /workers/${worker}/heartbeat`, { tasks: [second.id] });
  await kernel.call(`POST /tasks/${second.id}/progress`, { lease_token: second.lease.token, fraction: 0.5 });
  const between = await view(kernel);
  await kernel.stop();

  const back = await moved('--from', server.url, '--to', copy, '--from-system-id', colony, '--system-id', 'unused');
  expect(back).toMatch(/^moved 5 tasks, /);
  kernel = await start({ file: copy });
  expect(await view(kernel)).toEqual(between);
  await kernel.call(`POST /tasks/${second.id}/complete`, { lease_token: second.lease.token, result: 'silver' });
  const [third] = (await kernel.call(`POST /workers/${worker}/claim`, { max_tasks: 1 })).tasks;
  expect(third).toMatchObject({ description: 'child', lease: { token: 1 } });
  expect(await kernel.call('GET /system/audit/verify')).toMatchObject({ valid: true });
}, 60_000);

test('a colony whose old tasks and entries retention has removed moves as well', async () => {
  const [file, copy, colony] = [temporaryPath('a.db'), temporaryPath('b.db'), randomUUID()];
  let kernel = await start({ file }, { COLONY_RETENTION_SECONDS: '1', COLONY_LEDGER_RETENTION_SECONDS: '1' });
  const { id } = await kernel.call('POST /tasks', { description: 'old' });
  await kernel.call(`DELETE /tasks/${id}`);
  const gone = async () => (await fetch(`${kernel.url}/tasks/${id}`)).status;
  await expect.poll(gone, { timeout: 10_000 }).toBe(404);
  const oldest = async () => (await kernel.call('GET /system/audit?since=0&limit=1')).entries[0].id;
  await expect.poll(oldest, { timeout: 10_000 }).toBeGreaterThan(1);
  await kernel.call('POST /tasks', { description: 'new' });
  const begins = await oldest();
  await kernel.stop();

  expect(await moved('--from', file, '--to', server.url, '--to-system-id', colony)).toMatch(
    /^moved 1 tasks, 1 removed/,
  );
  expect(await moved('--from', server.url, '--to', copy, '--system-id', colony)).toMatch(/^moved 1 tasks, 1 removed/);
  kernel = await start({ file: copy });
  expect(await oldest()).toBe(begins);
  const { entries, ...verdict } = await kernel.call('GET /system/audit/verify');
  expect(verdict).toMatchObject({ valid: true });
  expect(entries).toBeGreaterThan(0);
  expect(await gone()).toBe(404);
  await kernel.call('POST /tasks', { description: 'depends on what was removed', depends_on: [id] });
}, 60_000);

describe('refuses in one line, and changes nothing:', () => {
  async function refusal(...args: string[]): Promise<string> {
    const { code, out, err } = await migrate(...args);
    expect([code, out]).toEqual([1, '']);
    const lines = err.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('colonyos migrate: '))).toEqual([lines.at(-1)]);
    return lines.at(-1)!;
  }

  /** A file with a colony in it. */
  async function aColony(): Promise<string> {
    const path = temporaryPath('colony.db');
    await fillUp(await SqliteStore.open({ path }));
    return path;
  }

  async function fillUp(store: Store): Promise<void> {
    await new Scribe(store).add();
    await store.close();
  }

  test('a file that is not there', async () => {
    const target = temporaryPath('b.db');
    expect(await refusal('--from', 'nowhere.db', '--to', target)).toContain('nowhere.db: there is no such file');
    expect(existsSync(target)).toBe(false);
  });

  test('what is no place, no name, or a Redis that does not answer', async () => {
    const file = await aColony();
    expect(await refusal('--from', file, '--to', 'http://127.0.0.1:1')).toContain('neither the path of a SQLite file');
    expect(await refusal('--from', ':memory:', '--to', file)).toContain('neither the path of a SQLite file');
    expect(await refusal('--from', file, '--to', server.url, '--system-id', 'a b')).toContain('is not allowed');
    const secret = await refusal('--from', 'redis://u:secret@127.0.0.1:1', '--to', file);
    expect(secret).toMatch(/colony colony on redis:\/\/…@127.0.0.1:1: .*ECONNREFUSED/);
    const notes = temporaryPath('notes.txt');
    writeFileSync(notes, 'not a database, however long it may be');
    expect(await refusal('--from', notes, '--to', file)).toContain('notes.txt: ');
  });

  test('a colony that is moved onto itself, and one that is not there', async () => {
    const file = await aColony();
    expect(await refusal('--from', file, '--to', file)).toContain('onto itself');
    const nobody = ['--from', server.url, '--system-id', randomUUID(), '--to', temporaryPath('b.db')];
    expect(await refusal(...nobody)).toContain('there is no colony');
    expect(existsSync(nobody.at(-1)!)).toBe(false);
  });

  test('a target that holds something, with --force as well', async () => {
    const [from, to, colony] = [await aColony(), await aColony(), randomUUID()];
    const bytes = readFileSync(to);
    expect(await refusal('--from', from, '--to', to, '--force')).toContain('it is not empty: it holds 1 tasks');
    expect(readFileSync(to).equals(bytes)).toBe(true);
    await fillUp(await RedisStore.open({ url: server.url, colony }));
    const onRedis = ['--from', from, '--to', server.url, '--system-id', colony];
    expect(await refusal(...onRedis, '--force')).toContain('it is not empty: it holds 1 tasks');
    expect(await refusal(...onRedis)).toContain('it is not empty');
  });

  test('a ledger that is not valid', async () => {
    const from = await aColony();
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(from);
    db.exec(`UPDATE ledger SET entries = replace(entries, '"kernel"', '"nobody"')`);
    db.close();
    const to = temporaryPath('b.db');
    expect(await refusal('--from', from, '--to', to)).toContain('its ledger is not valid from entry 1 on');
    expect(existsSync(to)).toBe(false);
  });

  test('what a kernel runs on, be it source or target', async () => {
    const [file, colony, other] = [temporaryPath('a.db'), randomUUID(), await aColony()];
    await start({ file });
    expect(await refusal('--from', file, '--to', temporaryPath('b.db'))).toContain('another kernel is already running');
    expect(await refusal('--from', other, '--to', file)).toContain('another kernel is already running');
    await start({ colony });
    const inUse = `kernels are running on colony ${colony}; stop them first`;
    const named = ['--system-id', colony];
    expect(await refusal('--from', server.url, '--to', temporaryPath('b.db'), ...named)).toContain(inUse);
    expect(await refusal('--from', other, '--to', server.url, ...named)).toContain(inUse);
  }, 60_000);

  test.each(['a file', 'Redis'])(
    'a part of a colony in %s: it begins anew when told to, and no kernel takes it',
    async (where) => {
      const [from, file, colony] = [await aColony(), temporaryPath('b.db'), randomUUID()];
      const place = where === 'a file' ? { file } : { colony };
      const target = await ('file' in place
        ? SqliteStore.open({ path: file })
        : RedisStore.openAlone({ url: server.url, colony, clear: false }));
      const source = await SqliteStore.open({ path: from });
      await expect(target.restore(beginningOf(source))).rejects.toThrow('ledger entries: 0 arrived where 1 were sent');
      await Promise.all([source.close(), target.close()]);

      await expect(start(place)).rejects.toThrow(/cannot .*: a colony was moved here, and not all of it arrived/);
      const args = ['--from', from, '--to', 'file' in place ? file : server.url, '--system-id', colony];
      expect(await refusal(...args)).toContain('with --force, which begins anew');
      expect(await moved(...args, '--force')).toContain('moved 1 tasks');
      expect(await view(await start(place))).toMatchObject({ tasks: [{ id: 'task-1' }] });
    },
    60_000,
  );

  async function* beginningOf(store: Store): AsyncGenerator<Piece> {
    for await (const piece of store.dump()) if (piece.kind !== 'entries') yield piece;
  }
});
