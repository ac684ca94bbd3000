/** A command that is sent again, since its answer got lost, happens once; one that was overtaken happens not at all. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { StorageUnavailable } from '../../core/errors.ts';
import { Hermit } from '../../testing/hermit.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { about, after, DAWN, Scribe, update } from '../../testing/scribe.ts';
import { TcpProxy } from '../../testing/tcp-proxy.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
let line: TcpProxy;
beforeAll(async () => {
  server = await RedisServer.start();
  line = await TcpProxy.start(() => server.port);
});
afterAll(async () => {
  await line.stop();
  await server.stop();
});

async function open(): Promise<Scribe> {
  const store = await RedisStore.open({ url: `redis://127.0.0.1:${line.port}`, colony: randomUUID() });
  onTestFinished(() => store.close());
  return new Scribe(store);
}

test('a commit whose answer got lost with its connection is answered as it was carried out, once', async () => {
  const scribe = await open();
  let task = await scribe.add();
  for (let round = 1; round <= 20; round++) {
    line.loseNextAnswer();
    const next = after(task, { losses: round });
    const { outcomes, entries } = await scribe.store.commit([update(task, next)], DAWN);
    expect([round, outcomes, entries.map(({ id }) => id)]).toEqual([round, ['committed'], [round + 1]]);
    task = next;
  }
  expect((await scribe.store.ledger.span()).last).toBe(21);
  expect((await scribe.store.task(task.id))!.losses).toBe(20);
});

test('a commit that was given up for lost cannot happen once the store was found good again', async () => {
  const scribe = await open();
  const task = await scribe.add();
  server.freeze();
  const late = scribe.store.commit([update(task, after(task, { losses: 9 }))], DAWN);
  await expect(late).rejects.toThrow(StorageUnavailable);
  server.thaw();
  await scribe.store.probe();
  // Whether it had happened by then or not: from now on it stays as it is.
  const { losses } = (await scribe.store.task(task.id))!;
  await scribe.commit({ puts: [], events: [about(task)] });
  expect((await scribe.store.task(task.id))!.losses).toBe(losses);
});

test('answers that nobody waits for any more are not taken for others', async () => {
  const scribe = await open();
  const tasks = [await scribe.add(), await scribe.add()];
  server.freeze();
  const asked = tasks.map(({ id }) => scribe.store.task(id));
  for (const one of await Promise.allSettled(asked)) expect(one.status).toBe('rejected');
  server.thaw();
  for (const { id } of tasks) expect((await scribe.store.task(id))!.id).toBe(id);
});

describe('where nobody else commits', () => {
  async function hermit(): Promise<Hermit> {
    const alone = await Hermit.begin((await open()).store);
    await alone.add({}, { id: 'first' });
    return alone;
  }

  test('a commit whose answer got lost happened once, and the next rests on it', async () => {
    const alone = await hermit();
    let task = await alone.add();
    for (let round = 1; round <= 20; round++) {
      line.loseNextAnswer();
      task = await alone.change(task, { losses: round });
      task = await alone.change(task, { losses: round });
    }
    expect(await alone.store.task(task.id)).toMatchObject({ losses: 20, version: 41 });
    expect(await alone.store.ledger.query({ taskId: task.id, limit: 100 })).toHaveLength(41);
    expect(await alone.store.ledger.verify()).toMatchObject({ valid: true, entries: 42 });
  });

  test('a connection that breaks between two commits does not part them', async () => {
    const alone = await hermit();
    let task = await alone.add();
    for (let round = 1; round <= 5; round++) {
      line.cut();
      task = await alone.change(task, { losses: round });
    }
    expect((await alone.store.ledger.span()).last).toBe(7);
  });

  test('a commit that was given up for lost cannot happen once the store was found good again', async () => {
    const alone = await hermit();
    const task = await alone.add();
    server.freeze();
    await expect(alone.change(task, { losses: 9 })).rejects.toThrow(StorageUnavailable);
    server.thaw();
    await alone.store.probe();
    const { losses } = (await alone.store.task(task.id))!;
    const anew = await Hermit.begin(alone.store);
    await anew.commit({ puts: [], events: [about(task)] });
    await anew.commit({ puts: [], events: [about(task)] });
    expect((await alone.store.task(task.id))!.losses).toBe(losses);
  });

  test('a server that has lost all it had is not written to', async () => {
    const alone = await hermit();
    const task = await alone.add();
    await server.ask('FLUSHALL');
    await expect(alone.change(task, { losses: 1 })).rejects.toThrow('somebody else has committed');
    expect((await alone.store.ledger.span()).last).toBe(0);
  });

  test('a server that was started anew may not have all it had: nothing rests on what was known before', async () => {
    const alone = await hermit();
    const task = await alone.add();
    await server.kill();
    await server.start();
    await expect(alone.change(task, { losses: 1 })).rejects.toThrow('somebody else has committed');
    await (await Hermit.begin(alone.store)).change(task, { losses: 2 });
    expect((await alone.store.task(task.id))!.losses).toBe(2);
  });

  test('where a user may not use transactions, it commits all the same', async () => {
    const plain = await open();
    await server.ask('ACL', 'SETUSER', 'bee', 'on', '>honey', '~*', '+@all', '-@transaction');
    const url = `redis://bee:honey@127.0.0.1:${line.port}`;
    const store = await RedisStore.open({ url, colony: randomUUID() });
    onTestFinished(() => store.close());
    const alone = await Hermit.begin(store);
    let task = await alone.add();
    for (let round = 1; round <= 3; round++) task = await alone.change(task, { losses: round });
    expect((await store.task(task.id))!.losses).toBe(3);
    expect((await plain.store.ledger.span()).last).toBe(0);
    // Without a transaction there is still a guard.
    const rival = await Hermit.begin(store);
    await rival.change(task, { losses: 4 });
    await expect(alone.change(task, { losses: 5 })).rejects.toThrow('somebody else has committed');
    expect((await store.task(task.id))!.losses).toBe(4);
  });
});
