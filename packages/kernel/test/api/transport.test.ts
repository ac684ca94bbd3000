/** What only shows on a real connection. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { arrived, startColony } from './harness.ts';

/** Sends bytes and answers all that comes back until the other side closes. */
function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk) => (text += chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

test('a body that is too large is answered, not cut off', async () => {
  const url = await (await startColony()).listen();
  const response = await fetch(`${url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ description: 'x', payload: 'x'.repeat(5_000_000) }),
  });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ code: 'payload_too_large' });
});

test('a chunked body is measured as it comes', async () => {
  const url = await (await startColony()).listen();
  const body = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 40; i++) controller.enqueue(new TextEncoder().encode('x'.repeat(50_000)));
      controller.close();
    },
  });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/tasks`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit);
  expect(response.status).toBe(413);
});

test('the connection survives a bad body', async () => {
  const url = await (await startColony()).listen();
  const bad =
    'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{x';
  const last = 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
  const text = await exchange(url, bad + bad.replace('application/json', 'text/plain') + last);
  expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 415', 'HTTP/1.1 200']);
});

test('a body that is not UTF-8 is refused instead of being stored as something else', async () => {
  const url = await (await startColony()).listen();
  const headers = { 'content-type': 'application/json' };
  const body = Buffer.from('{"description":"caf\xe9"}', 'latin1');
  const response = await fetch(`${url}/tasks`, { method: 'POST', headers, body });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'malformed_json' });
});

test('what is not HTTP is answered as a problem', async () => {
  const url = await (await startColony()).listen();
  const text = await exchange(url, 'hello\r\n\r\n');
  expect(text).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json/s);
});

test('an upgrade to something else is a plain request', async () => {
  const url = await (await startColony()).listen();
  const text = await exchange(
    url,
    'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
  );
  expect(text).toMatch(/^HTTP\/1.1 200/);
});

test('half a handshake is refused as a problem', async () => {
  const url = await (await startColony()).listen();
  const text = await exchange(
    url,
    'GET /ws/events HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  expect(text).toMatch(/^HTTP\/1.1 422 .*validation_failed/s);
});

test('a claim whose client went away keeps nothing', async () => {
  const colony = await startColony();
  const url = await colony.listen();
  const { id } = (await colony.call('POST /workers', { name: 'w' })).json;
  const client = new AbortController();
  const headers = { 'content-type': 'application/json' };
  const body = '{"wait_seconds":60}';
  const claim = await arrived(colony, id, () =>
    fetch(`${url}/workers/${id}/claim`, { method: 'POST', headers, body, signal: client.signal }),
  );
  client.abort();
  await expect(claim.answer).rejects.toThrow();
  // Whether the kernel has noticed by now or notices while it assigns: the task is there for others.
  const task = (await colony.call('POST /tasks', { description: 'x' })).json;
  const other = (await colony.call('POST /workers', { name: 'v' })).json;
  const { tasks } = (await colony.call(`POST /workers/${other.id}/claim`, { wait_seconds: 10 })).json;
  expect(tasks.map((one: { id: string }) => one.id)).toEqual([task.id]);
});
