/** How the API speaks of what goes wrong behind it. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { newId } from '../../src/api/ids.ts';
import { Metrics } from '../../src/api/metrics.ts';
import { createApi } from '../../src/api/server.ts';
import type { Kernel } from '../../src/body/kernel.ts';
import { loadConfig } from '../../src/config.ts';
import { StorageUnavailable } from '../../src/core/errors.ts';
import { TaskMaker } from '../../src/core/task-maker.ts';
import { ephemeralSigner } from '../../src/signing/key-file.ts';

/** An API before a kernel of which only some parts work. */
async function apiOf(kernel: object) {
  const logged: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
  const { app, stop } = await createApi({
    kernel: {
      rules: { leaseMs: 1000 },
      store: {},
      maker: new TaskMaker(newId, 3600),
      backlog: () => 0,
      stop: async () => {},
      ...kernel,
    } as unknown as Kernel,
    signer: ephemeralSigner(),
    config: loadConfig({}, '/nonexistent'),
    log,
    metrics: new Metrics('test'),
    version: 'test',
  });
  return {
    app,
    stop,
    logged,
    submit: () => app.inject({ method: 'POST', url: '/tasks', payload: { description: 'x' } }),
  };
}

test('a store that cannot be written is answered 503', async () => {
  const { submit } = await apiOf({ execute: async () => Promise.reject(new StorageUnavailable('disk full')) });
  const response = await submit();
  expect(response.statusCode).toBe(503);
  expect(response.headers['retry-after']).toBe('1');
  expect(response.json()).toMatchObject({ code: 'storage_unavailable' });
});

test('a bug is answered 500, logged, and not told', async () => {
  const { submit, logged } = await apiOf({ execute: async () => Promise.reject(new Error('the secret')) });
  const response = await submit();
  expect(response.statusCode).toBe(500);
  expect(response.json()).toMatchObject({ code: 'internal_error' });
  expect(response.payload).not.toContain('secret');
  expect(logged.join()).toContain('the secret');
});

test('an answer that cannot be rendered is a bug too, not the end', async () => {
  const { submit } = await apiOf({ execute: async () => ({ tasks: [] }) });
  expect((await submit()).statusCode).toBe(500);
});

test('a kernel with too much to do says come back', async () => {
  const { app, submit } = await apiOf({ backlog: () => 1e6 });
  for (const response of [
    await submit(),
    await app.inject({ method: 'POST', url: '/workers/x/claim' }),
    await app.inject({
      method: 'POST',
      url: '/tasks/batch',
      payload: { atomic: false, tasks: [{ description: 'x' }] },
    }),
  ]) {
    expect(response.statusCode).toBe(429);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json()).toMatchObject({ code: 'queue_full' });
  }
});

test('ill health is told with the reasons', async () => {
  const checks = { store: 'disk full', bus: 'ok' };
  const { app } = await apiOf({ health: () => ({ healthy: false, checks }) });
  for (const url of ['/health', '/health/ready']) {
    const response = await app.inject(url);
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({ status: 'unhealthy', checks });
  }
  expect((await app.inject('/health/live')).statusCode).toBe(200);
});

test('while it stops it takes nothing, and says so', async () => {
  const { app, stop, submit } = await apiOf({ health: () => ({ healthy: true, checks: {} }) });
  await stop();
  const response = await submit();
  expect(response.statusCode).toBe(503);
  expect(response.headers).toMatchObject({ connection: 'close', 'retry-after': expect.any(String) });
  expect(response.json()).toMatchObject({ code: 'shutting_down' });
  expect((await app.inject('/health/live')).statusCode).toBe(200);
  expect((await app.inject('/health/ready')).statusCode).toBe(503);
});
