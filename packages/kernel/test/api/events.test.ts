import { describe, expect, test } from 'vitest';
import { type Harness, type JsonValue, startColony, TestSocket } from './harness.ts';

const submit = async ({ call }: Harness): Promise<string> => (await call('POST /tasks', { description: 'x' })).json.id;

describe('WS /ws/events', () => {
  test('shows what happens from now on', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    await submit(colony);
    const watcher = await new TestSocket(`${url}/ws/events`).open();
    const id = await submit(colony);
    const event = await watcher.message(({ type }) => type === 'task_submitted');
    expect(event).toEqual({
      id: 5,
      type: 'task_submitted',
      data: { created_by: 'anonymous', priority: 5, status: 'queued', task_id: id },
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      source: 'kernel',
    });
    expect(watcher.messages.map((each) => each.id)).toEqual([4, 5]);
  });

  test('replays from a position and goes on without gap or repeat', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    for (let i = 0; i < 5; i++) await submit(colony);
    const all = await new TestSocket(`${url}/ws/events?since=0`).open();
    const some = await new TestSocket(`${url}/ws/events?since=7`).open();
    for (let i = 0; i < 5; i++) await submit(colony);
    await all.message(({ id }) => id === 21);
    await some.message(({ id }) => id === 21);
    expect(all.messages.map(({ id }) => id)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
    expect(some.messages.map(({ id }) => id)).toEqual(Array.from({ length: 14 }, (_, i) => i + 8));
  });

  test('filters by type and by task', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    const id = await submit(colony);
    const other = await submit(colony);
    await colony.call('POST /workers', { name: 'w' });
    const byType = await new TestSocket(`${url}/ws/events?since=0&types=task_sub*,worker_registered`).open();
    await byType.message(({ type }) => type === 'worker_registered');
    expect(byType.messages.map(({ type }) => type)).toEqual(['task_submitted', 'task_submitted', 'worker_registered']);
    const byTask = await new TestSocket(`${url}/ws/events?since=0&task_id=${other}`).open();
    await byTask.message(({ type }) => type === 'task_submitted');
    expect(byTask.messages.every(({ data }) => data.task_id === other)).toBe(true);
    expect(id).not.toBe(other);
  });

  test('shows ephemeral events without an id', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    const { id } = (await colony.call('POST /workers', { name: 'w' })).json;
    const watcher = await new TestSocket(`${url}/ws/events`).open();
    await colony.call(`POST /workers/${id}/heartbeat`);
    const event = await watcher.message(({ type }) => type === 'worker_heartbeat');
    expect(event).toMatchObject({ data: { worker_id: id } });
    expect(event).not.toHaveProperty('id');
  });

  test('answers ping with pong and nothing else with anything', async () => {
    const colony = await startColony();
    const watcher = await new TestSocket(`${await colony.listen()}/ws/events`).open();
    watcher.socket.send('{"type":"hello"}');
    watcher.socket.send('ping');
    await watcher.until(({ messages }) => messages.includes('pong'));
    expect(watcher.messages).toEqual(['pong']);
  });

  test('cuts off who does not read, and lets it come back', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    const slow = await new TestSocket(`${url}/ws/events`).open();
    slow.socket.pause();
    const tasks = Array(1000).fill({ description: 'x', created_by: 'b'.repeat(200) });
    for (let i = 0; i < 40; i++) await colony.call('POST /tasks/batch', { tasks });
    slow.socket.resume();
    expect((await slow.until(({ closed }) => closed)).code).toBe(1013);
    const seen = slow.messages.at(-1).id;
    expect(slow.messages.map(({ id }) => id)).toEqual(Array.from({ length: seen - 1 }, (_, i) => i + 2));
    const back = await new TestSocket(`${url}/ws/events?since=${seen}`).open();
    await back.message(({ id }) => id === 80_001);
    expect(back.messages[0].id).toBe(seen + 1);
  });

  test.each([
    ['since=9', 410, 'position_gone'],
    ['since=-1', 422, 'validation_failed'],
    ['since=x', 422, 'validation_failed'],
    ['types=Task', 422, 'validation_failed'],
  ])('?%s is answered %i before the upgrade', async (query, status, code) => {
    const colony = await startColony();
    const { refused } = await new TestSocket(`${await colony.listen()}/ws/events?${query}`).open();
    expect(refused).toMatchObject({ status, json: { status, code, instance: '/ws/events' } });
    expect(refused!.headers['content-type']).toMatch('application/problem+json');
  });
});

/** The events of an SSE response, as they come. */
async function* eventsOf(response: Response): AsyncGenerator<{ id: string | null; data: JsonValue }> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
      const data = field('data');
      if (data !== null) yield { id: field('id'), data: JSON.parse(data) };
    }
  }
}

describe('GET /events', () => {
  test('is the same as server-sent events', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    const id = await submit(colony);
    const client = new AbortController();
    const response = await fetch(`${url}/events?since=1`, {
      signal: client.signal,
      headers: { origin: 'http://localhost:1' },
    });
    expect(response.headers.get('content-type')).toMatch('text/event-stream');
    expect(response.headers.get('access-control-allow-origin')).toBe('http://localhost:1');
    const events = eventsOf(response);
    expect((await events.next()).value).toMatchObject({ id: '2', data: { id: 2, type: 'task_validated' } });
    expect((await events.next()).value).toMatchObject({ id: '3', data: { data: { task_id: id } } });
    await submit(colony);
    expect((await events.next()).value).toMatchObject({ id: '4' });
    client.abort();
  });

  test('goes on after Last-Event-ID, whatever the URL says', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    await submit(colony);
    const client = new AbortController();
    const response = await fetch(`${url}/events?since=0`, { signal: client.signal, headers: { 'last-event-id': '2' } });
    expect((await eventsOf(response).next()).value).toMatchObject({ id: '3' });
    client.abort();
  });

  test('refuses a position that does not exist', async () => {
    const { call } = await startColony();
    expect(await call('GET /events?since=99')).toMatchObject({ status: 410, json: { code: 'position_gone' } });
    expect(await call('GET /events?since=x')).toMatchObject({ status: 422 });
    expect(await call('GET /events', undefined, { 'last-event-id': 'x' })).toMatchObject({ status: 422 });
  });
});
