import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ColonyClient, ColonyError, ColonyNetworkError, ColonyTimeoutError } from '../src/index.ts';
import { problem, until } from './fake-colony.ts';
import { FakeKernel } from './fake-kernel.ts';

let kernel: FakeKernel;
beforeEach(async () => {
  kernel = await FakeKernel.start();
});
afterEach(() => kernel.stop());

// The same behaviour whichever way requests travel.
describe.each([
  ['node:http', undefined],
  ['fetch', fetch],
])('a client by %s', (_name, fetchFunction) => {
  const make = (more: object = {}) => new ColonyClient({ url: kernel.url, fetch: fetchFunction, ...more });
  const keyOf = (body: string) => JSON.parse(body).tasks[0].idempotency_key;

  test('submits a task and gets it back', async () => {
    const task = await make().submit({ description: 'count', payload: { n: 1 } });
    expect(task).toMatchObject({ id: 'task-1', description: 'count', payload: { n: 1 }, status: 'queued' });
  });

  test('sends the token with every request', async () => {
    kernel.token = 'sesame';
    await make({ token: 'sesame' }).submit({ description: 'a' });
    await expect(make({ token: 'wrong' }).submit({ description: 'a' })).rejects.toMatchObject({ status: 401 });
  });

  test('keeps a path in its address', async () => {
    kernel.intercept = ({ path }) =>
      path === '/colony/health' ? { status: 200, body: { status: 'healthy' } } : undefined;
    const client = make({ url: `${kernel.url}/colony/` });
    expect(await client.health()).toEqual({ status: 'healthy' });
  });

  test('a refusal is a ColonyError with what the kernel said', async () => {
    const error = await make()
      .getTask('nowhere')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ColonyError);
    expect(error).toMatchObject({
      status: 404,
      code: 'task_not_found',
      detail: 'It is task_not_found.',
      errors: [{ path: '/x' }],
    });
  });

  test('an answer that is not from a kernel is still a ColonyError', async () => {
    kernel.intercept = () => ({ status: 502, body: '<h1>Bad Gateway</h1>' });
    await expect(make({ retries: 0 }).stats()).rejects.toMatchObject({
      name: 'ColonyError',
      status: 502,
      code: 'http_502',
    });
  });

  test('an unreachable kernel is a ColonyNetworkError', async () => {
    const client = make({ retries: 1 });
    await kernel.stop();
    const error = await client.stats().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ColonyNetworkError);
    expect(error).not.toBeInstanceOf(ColonyTimeoutError);
    kernel = await FakeKernel.start();
  });

  test('what would lead elsewhere is refused, and nothing is sent', async () => {
    const client = make();
    const team = client.memory.scope('team');
    const refused = { name: 'ColonyError', status: 422, code: 'validation_failed' };
    for (const name of ['', '.', '..']) {
      await expect(team.get(name)).rejects.toMatchObject(refused);
      await expect(team.put(name, 1)).rejects.toMatchObject(refused);
      await expect(client.memory.scope(name).delete('tasks')).rejects.toMatchObject(refused);
      await expect(client.getTask(name)).rejects.toMatchObject(refused);
    }
    expect(kernel.requests).toEqual([]);
    kernel.intercept = () => ({ status: 200, body: {} });
    for (const name of ['...', '.a', 'a/', '/', './..', '%2e']) await team.get(name);
    expect(kernel.requests.map(({ path }) => decodeURIComponent(path.slice('/memory/team/'.length)))).toEqual([
      ...['...', '.a', 'a/', '/', './..', '%2e'],
    ]);
  });

  test('what is deleted on a condition is not deleted again when no answer came, and otherwise it is', async () => {
    const team = make().memory.scope('team');
    kernel.intercept = () => (kernel.requests.length === 1 ? 'hang up' : problem(412, 'version_mismatch'));
    await expect(team.delete('lock', { ifVersion: 3 })).rejects.toBeInstanceOf(ColonyNetworkError);
    expect(kernel.requests.map(({ headers }) => headers['if-match'])).toEqual(['"3"']);
    kernel.intercept = () => (kernel.requests.length === 2 ? 'hang up' : { status: 204 });
    expect(await team.delete('lock')).toBe(true);
    expect(kernel.requests).toHaveLength(3);
  });

  test('a submit whose answer got lost is repeated with the same key and happens once', async () => {
    let broken = 2;
    kernel.intercept = () => (broken-- > 0 ? 'hang up' : undefined);
    await make().submit({ description: 'once' });
    const keys = kernel.received('POST', '/tasks/batch').map(({ body }) => keyOf(body));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(kernel.tasks.size).toBe(1);
  });

  test('the same idempotency key gives the same task', async () => {
    const client = make();
    const first = await client.submit({ description: 'a' }, { idempotencyKey: 'mine' });
    const second = await client.submit({ description: 'a' }, { idempotencyKey: 'mine' });
    expect(second.id).toBe(first.id);
  });

  test("a proxy's 502 and 504 count as no answer: what is safe to repeat is repeated, and nothing else", async () => {
    let tries = 0;
    kernel.intercept = () => (++tries === 3 ? undefined : { status: tries === 1 ? 502 : 504, body: 'Bad Gateway' });
    await make().submit({ description: 'x' });
    expect(tries).toBe(3);
    tries = 0;
    const about = { name: 'w', capabilities: [] };
    await expect(make().registerWorker(about)).rejects.toMatchObject({ status: 502 });
    expect(tries).toBe(1);
  });

  test('429 and 503 are repeated no sooner than Retry-After asks', async () => {
    const times: number[] = [];
    kernel.intercept = () => {
      times.push(performance.now());
      return times.length === 1 ? problem(503, 'storage_unavailable', { 'retry-after': '0.4' }) : undefined;
    };
    await make().submit({ description: 'a' });
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(395);
  });

  test('a Retry-After beyond the deadline is not waited for', async () => {
    kernel.intercept = () => problem(503, 'shutting_down', { 'retry-after': '60' });
    await expect(make({ timeoutMs: 5_000 }).stats()).rejects.toMatchObject({ status: 503, code: 'shutting_down' });
    expect(kernel.requests).toHaveLength(1);
  });

  test('what is not safe to repeat is not repeated when its answer got lost', async () => {
    kernel.intercept = () => 'hang up';
    await expect(make().retryTask('task-1')).rejects.toBeInstanceOf(ColonyNetworkError);
    expect(kernel.requests).toHaveLength(1);
  });

  test('retrying many goes on where the kernel left off, until the limit is reached', async () => {
    const bodies: unknown[] = [];
    kernel.intercept = ({ body }) => {
      bodies.push(JSON.parse(body));
      return {
        status: 200,
        body: bodies.length < 3 ? { retried: 2, next_cursor: `c${bodies.length}` } : { retried: 1 },
      };
    };
    expect(await make().retryTasks({ status: 'failed', tag: 't', limit: 5 })).toBe(5);
    const asked = { status: 'failed', tag: 't' };
    expect(bodies).toEqual([
      { ...asked, limit: 5 },
      { ...asked, limit: 3, cursor: 'c1' },
      { ...asked, limit: 1, cursor: 'c2' },
    ]);
  });

  test('a cancellation whose answer got lost counts as done', async () => {
    const task = kernel.add({ description: 'a' });
    let tries = 0;
    kernel.intercept = ({ method }) => {
      if (method !== 'DELETE') return undefined;
      kernel.revoke(task.id, 'cancelled');
      return tries++ === 0 ? 'hang up' : problem(409, 'invalid_transition');
    };
    await make().cancelTask(task.id, { cascade: true });
    expect(kernel.requests.at(0)?.query.get('cascade')).toBe('true');
    tries = 1;
    await expect(make().cancelTask(task.id)).rejects.toMatchObject({ status: 409 });
  });

  test('a silent kernel is a ColonyTimeoutError after the deadline', async () => {
    const silent = make({ timeoutMs: 50, url: await blackHole() });
    await expect(silent.stats()).rejects.toBeInstanceOf(ColonyTimeoutError);
    await expect(silent.submit({ description: 'a' })).rejects.toBeInstanceOf(ColonyTimeoutError);
  });

  test('an aborted call rejects with the reason', async () => {
    const client = make({ url: await blackHole() });
    const abort = new AbortController();
    const calls = [
      client.stats({ signal: abort.signal }),
      client.submit({ description: 'a' }, { signal: abort.signal }),
    ];
    abort.abort(new Error('enough'));
    for (const call of calls) await expect(call).rejects.toThrow('enough');
    await expect(client.stats({ signal: abort.signal })).rejects.toThrow('enough');
  });

  test('waits for a task by asking the kernel to hold its answer', async () => {
    const task = kernel.add({ description: 'a' });
    let asked = 0;
    kernel.intercept = ({ query }) => {
      if (query.get('wait') === '30' && ++asked === 2) kernel.revoke(task.id, 'completed');
      return undefined;
    };
    expect(await make().waitForTask(task.id)).toMatchObject({ status: 'completed' });
    kernel.revoke(task.id, 'queued');
    await expect(make().waitForTask(task.id, { timeoutMs: 10 })).rejects.toBeInstanceOf(ColonyTimeoutError);
  });

  test('iterates over all pages of a listing', async () => {
    kernel.intercept = ({ path, query }) => {
      if (path !== '/tasks') return undefined;
      const page = Number(query.get('cursor') ?? 1);
      const link = page < 3 ? { link: `</tasks?limit=1&cursor=${page + 1}>; rel="next"` } : {};
      return { status: 200, headers: link, body: [{ id: `t${page}` }] };
    };
    const ids = [];
    for await (const { id } of make().iterateTasks({ limit: 1, tag: 'x' })) ids.push(id);
    expect(ids).toEqual(['t1', 't2', 't3']);
    expect(kernel.requests.map(({ query }) => `${query.get('tag')} ${query.get('cursor')}`)).toEqual([
      'x null',
      'x 2',
      'x 3',
    ]);
  });

  test('exports the audit log entry by entry', async () => {
    kernel.intercept = () => ({ status: 200, body: '{"id":1}\n{"id":2}\n{"id":3}\n' });
    const ids = [];
    for await (const { id } of make().exportAudit()) {
      ids.push(id);
      if (id === 2) break;
    }
    expect(ids).toEqual([1, 2]);
    const head = { entries: 1, hash: 'abc' };
    kernel.intercept = () => ({ status: 200, body: `{"id":1}\n{"head":${JSON.stringify(head)}}\n` });
    const lines = make().exportAudit();
    expect(await lines.next()).toEqual({ done: false, value: { id: 1 } });
    expect(await lines.next()).toEqual({ done: true, value: head });
    kernel.intercept = () => problem(403, 'forbidden');
    await expect(make().exportAudit().next()).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('asks for the signed head of the audit log', async () => {
    kernel.intercept = ({ path }) => ({ status: 200, body: { path, entries: 3 } });
    expect(await make().auditHead()).toEqual({ path: '/system/audit/head', entries: 3 });
  });

  test('an unhealthy kernel is an answer and not an error', async () => {
    kernel.intercept = () => ({ status: 503, body: { status: 'unhealthy', checks: { store: 'gone' } } });
    expect(await make().health()).toMatchObject({ status: 'unhealthy', checks: { store: 'gone' } });
  });
});

const holes: { close: () => void }[] = [];
afterEach(() => {
  for (const hole of holes.splice(0)) hole.close();
});

/** The address of something that accepts connections and never answers. */
async function blackHole(): Promise<string> {
  const { createServer } = await import('node:net');
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await until(() => server.listening);
  holes.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as import('node:net').AddressInfo).port}`;
}

test('waiting for many tasks leaves a browser connections for everything else', async () => {
  // A browser's fetch: six requests at a time, the others in line.
  let busy = 0;
  const line: (() => void)[] = [];
  const browserFetch: typeof fetch = async (input, init) => {
    if (busy === 6) await new Promise<void>((go) => line.push(go));
    else busy++;
    try {
      return await answer(String(input), init?.signal);
    } finally {
      const next = line.shift();
      if (next) next();
      else busy--;
    }
  };
  let completed = false;
  let changed = () => {};
  const change = new Promise<void>((resolve) => {
    changed = resolve;
  });
  const answer = async (url: string, signal: AbortSignal | null | undefined): Promise<Response> => {
    signal?.throwIfAborted();
    if (url.endsWith('/complete')) {
      completed = true;
      changed();
    } else if (!url.endsWith('wait=0')) await change;
    return Response.json({ id: 'a', status: completed ? 'completed' : 'executing' });
  };
  const client = new ColonyClient({ url: 'http://kernel.example', fetch: browserFetch });
  const waiting = Promise.all(Array.from({ length: 20 }, () => client.waitForTask('a')));
  await client.complete('a', 1, null);
  expect((await waiting).map(({ status }) => status)).toEqual(Array(20).fill('completed'));
});
