import { describe, expect, test } from 'vitest';
import { startColony, TestSocket } from './harness.ts';

const TOKEN = { COLONY_SECRET_TOKEN: 's3cret' };
const bearer = { authorization: 'Bearer s3cret' };

describe('with a token set', () => {
  test.each([
    'GET /tasks',
    'POST /tasks',
    'POST /tasks/batch',
    'DELETE /tasks/x',
    'GET /workers',
    'POST /workers',
    'POST /workers/x/claim',
    'POST /tasks/x/complete',
    'GET /events',
    'GET /system/stats',
    'GET /system/audit',
    'GET /system/audit/head',
    'GET /system/audit/export',
    'GET /metrics',
    'GET /no/such/route',
    'GET /tasks/%zz',
  ])('%s wants it', async (route) => {
    const { call } = await startColony(TOKEN);
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const refused = await call(route, undefined, headers);
      expect(refused).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer/);
    }
  });

  test('authentication comes before the body is even looked at', async () => {
    const { call } = await startColony(TOKEN);
    expect((await call('POST /tasks', '{"broken')).status).toBe(401);
    expect((await call('POST /no/such', '{"broken')).status).toBe(401);
    expect((await call('POST /tasks', '{"broken', bearer)).status).toBe(400);
  });

  test('it opens everything, and names the caller', async () => {
    const { call } = await startColony(TOKEN);
    const { json } = await call('POST /tasks', { description: 'x' }, bearer);
    expect(json.created_by).toBe('root');
    expect((await call('POST /tasks', { description: 'x', created_by: 'me' }, bearer)).json.created_by).toBe('me');
    expect((await call('GET /no/such/route', undefined, bearer)).json.code).toBe('not_found');
  });

  test.each(['/health', '/health/live', '/health/ready', '/docs', '/openapi.json'])('%s is open', async (path) => {
    const { call } = await startColony(TOKEN);
    expect((await call(`GET ${path}`)).status).toBe(200);
  });

  test('/metrics is open when configured so', async () => {
    const { call } = await startColony({ ...TOKEN, COLONY_METRICS_PUBLIC: 'true' });
    expect((await call('GET /metrics')).status).toBe(200);
  });

  test('any host name will do', async () => {
    const { call } = await startColony(TOKEN);
    expect((await call('GET /tasks', undefined, { ...bearer, host: 'kernel.example.org' })).status).toBe(200);
  });

  test('sockets want it too, as a header or a subprotocol', async () => {
    const colony = await startColony(TOKEN);
    const url = await colony.listen();
    for (const path of ['/ws/events', '/ws/worker?worker_id=x', '/no/such']) {
      const { refused } = await new TestSocket(url + path).open();
      expect(refused).toMatchObject({ status: 401, json: { code: 'unauthorized' } });
      expect(refused!.headers['www-authenticate']).toMatch(/^Bearer/);
    }
    const encoded = Buffer.from('s3cret').toString('base64url');
    const offered = ['colony.v1', `colony.token.${encoded}`];
    expect((await new TestSocket(`${url}/ws/events`, { protocols: offered }).open()).socket.protocol).toBe('colony.v1');
    expect((await new TestSocket(`${url}/ws/events`, { headers: bearer }).open()).refused).toBeNull();
    expect((await new TestSocket(`${url}/no/such`, { headers: bearer }).open()).refused).toMatchObject({ status: 404 });
  });
});

describe('web pages', () => {
  test('of other origins may not change anything', async () => {
    const { call } = await startColony();
    const headers = { origin: 'https://evil.example' };
    expect(await call('POST /tasks', { description: 'x' }, headers)).toMatchObject({
      status: 403,
      json: { code: 'origin_not_allowed', detail: expect.stringContaining('COLONY_CORS_ORIGINS') },
    });
    expect((await call('DELETE /tasks/x', undefined, { origin: 'null' })).status).toBe(403);
    const read = await call('GET /tasks', undefined, headers);
    expect(read.status).toBe(200);
    expect(read.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('of allowed origins may, and read the answer, also a refusal', async () => {
    const { call } = await startColony();
    const headers = { origin: 'http://localhost:3000' };
    const created = await call('POST /tasks', { description: 'x' }, headers);
    expect(created).toMatchObject({ status: 201, headers: { 'access-control-allow-origin': 'http://localhost:3000' } });
    expect(created.headers['access-control-expose-headers']).toContain('ETag');
    const refused = await call('POST /tasks', {}, headers);
    expect(refused).toMatchObject({ status: 422, headers: { 'access-control-allow-origin': 'http://localhost:3000' } });
  });

  test('ask first', async () => {
    const colony = await startColony(TOKEN);
    const preflight = (origin: string) =>
      colony.call('OPTIONS /tasks', undefined, {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      });
    expect(await preflight('http://localhost:3000')).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': 'http://localhost:3000',
        'access-control-allow-headers': 'authorization, content-type',
      },
    });
    expect((await preflight('https://evil.example')).status).toBe(403);
  });

  test('of the kernel’s own origin are always allowed', async () => {
    const { call } = await startColony({ ...TOKEN, COLONY_CORS_ORIGINS: 'https://only.example' });
    const headers = { ...bearer, host: 'kernel:8000', origin: 'http://kernel:8000' };
    expect((await call('POST /tasks', { description: 'x' }, headers)).status).toBe(201);
  });

  test('cannot rebind the kernel’s name', async () => {
    const { call } = await startColony({ COLONY_ALLOWED_HOSTS: 'kernel' });
    const as = (host: string) => call('GET /tasks', undefined, { host });
    expect(await as('evil.example')).toMatchObject({
      status: 403,
      json: { code: 'host_not_allowed', detail: expect.stringContaining('COLONY_ALLOWED_HOSTS') },
    });
    for (const host of ['localhost:8000', '127.0.0.1', '[::1]:8000', 'kernel:8000'])
      expect((await as(host)).status).toBe(200);
  });

  test('open no sockets from elsewhere', async () => {
    const colony = await startColony();
    const url = await colony.listen();
    const open = (headers: Record<string, string>) => new TestSocket(`${url}/ws/events`, { headers }).open();
    expect((await open({ origin: 'https://evil.example' })).refused).toMatchObject({ status: 403 });
    expect((await open({ host: 'evil.example' })).refused).toMatchObject({
      status: 403,
      json: { code: 'host_not_allowed' },
    });
    expect((await open({ origin: 'http://localhost:1' })).refused).toBeNull();
  });
});
