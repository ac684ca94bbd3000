import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ColonyEvent, ColonyEvents, type EventsOptions } from '../src/index.ts';
import { until } from './fake-colony.ts';
import { FakeKernel } from './fake-kernel.ts';

let kernel: FakeKernel;
const streams: ColonyEvents[] = [];
beforeEach(async () => {
  kernel = await FakeKernel.start();
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await kernel.stop();
});

function open(options: Partial<EventsOptions> = {}): ColonyEvents {
  const events = new ColonyEvents({ url: options.url ?? kernel.url, ...options });
  streams.push(events);
  return events;
}

function collect(events: ColonyEvents, pattern = '*'): ColonyEvent[] {
  const seen: ColonyEvent[] = [];
  events.on(pattern, (event) => seen.push(event));
  return seen;
}

test('a loop gets what came after `since`, and goes on live', async () => {
  for (let i = 0; i < 5; i++) kernel.emit('task_submitted', { task_id: `t${i}` });
  const ids: (number | undefined)[] = [];
  for await (const { id } of open({ since: 2 })) {
    ids.push(id);
    if (id === 5) kernel.emit('task_queued');
    if (id === 6) break;
  }
  expect(ids).toEqual([3, 4, 5, 6]);
  await until(() => kernel.sockets.size === 0);
});

test('listeners get the types they asked for', async () => {
  const events = open({ since: 0 });
  const tasks = collect(events, 'task_*');
  const offline = collect(events, 'worker_offline');
  await until(() => kernel.sockets.size === 1);
  for (const type of ['task_queued', 'worker_online', 'worker_offline', 'task_failed']) kernel.emit(type);
  await until(() => tasks.length === 2);
  expect(tasks.map(({ type }) => type)).toEqual(['task_queued', 'task_failed']);
  expect(offline).toHaveLength(1);
});

test('after a broken connection it resumes without a gap or a repeat', async () => {
  const events = open({ since: 0 });
  const seen = collect(events);
  await until(() => kernel.sockets.size === 1);
  kernel.emit('a');
  kernel.emit('b');
  await until(() => seen.length === 2);
  kernel.hangUp();
  kernel.emit('c');
  await until(() => seen.length === 3);
  await until(() => events.state === 'open');
  kernel.emit('d');
  await until(() => seen.length === 4);
  expect(seen.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
  expect(events.lastId).toBe(4);
});

test('being closed for lagging (1013) is a reason to resume and not an end', async () => {
  const seen = collect(open({ since: 0 }));
  await until(() => kernel.sockets.size === 1);
  kernel.emit('a');
  await until(() => seen.length === 1);
  for (const socket of kernel.sockets) socket.close(1013, 'too far behind');
  await until(() => kernel.sockets.size === 0);
  kernel.emit('b');
  await until(() => seen.length === 2);
  expect(seen.map(({ id }) => id)).toEqual([1, 2]);
});

test('ephemeral events pass without moving the position', async () => {
  const events = open();
  const seen = collect(events);
  await until(() => events.state === 'open');
  kernel.emit('worker_heartbeat', {}, true);
  await until(() => seen.length === 1);
  expect(events.lastId).toBeUndefined();
});

test('a position that no longer exists ends the loop with position_gone', async () => {
  kernel.firstEvent = 100;
  const errors: Error[] = [];
  const events = open({ since: 5, onError: (error) => errors.push(error) });
  await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 410, code: 'position_gone' });
  expect(errors).toHaveLength(1);
  expect(events.state).toBe('closed');
});

test('a wrong token ends it, the right one travels as a subprotocol', async () => {
  kernel.token = 'sésame 日本';
  const refused = open({ token: 'wrong' });
  await expect(refused[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: 401 });
  // A header cannot hold this token, but a subprotocol can.
  const states: string[] = [];
  collect(open({ token: 'sésame 日本', onStateChange: (state) => states.push(state) }));
  await until(() => states.includes('open'));
});

test('an unreachable kernel is tried again until it is there', async () => {
  const { port, url } = kernel;
  await kernel.stop();
  const seen = collect(open({ url, since: 0 }));
  kernel = await FakeKernel.start(port);
  kernel.emit('a');
  await until(() => seen.length === 1);
});

test('a loop that is too slow makes it disconnect, and come back where it was', async () => {
  for (let i = 0; i < 25_000; i++)
    kernel.events.push({ id: i + 1, type: 'x', data: {}, timestamp: '', source: 'kernel' });
  const events = open({ since: 0 });
  const loop = events[Symbol.asyncIterator]();
  await loop.next();
  await until(() => events.lastId === 10_001 || kernel.sockets.size === 0);
  let last = 1;
  while (last < 25_000) {
    const { value } = await loop.next();
    expect(value.id).toBe(last + 1);
    last = value.id;
  }
  await loop.return?.();
});

test('closing ends all loops', async () => {
  const events = open();
  const loops = [events[Symbol.asyncIterator]().next(), events[Symbol.asyncIterator]().next()];
  events.close();
  for (const loop of loops) expect(await loop).toEqual({ done: true, value: undefined });
});
