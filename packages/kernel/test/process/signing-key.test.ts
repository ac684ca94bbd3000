/** Kernels of one colony sign with one key, although nobody has made it for them. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../src/testing/redis-server.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { verify } from '../exports.ts';
import { KernelProcess } from '../kernel-process.ts';

test('two kernels that start at once on one Redis end with the same key', async () => {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const path = temporaryPath('signing.key');
  const env = {
    COLONY_MEMORY_BACKEND: 'redis',
    COLONY_MEMORY_CONNECTION_STRING: server.url,
    COLONY_SYSTEM_ID: randomUUID(),
    COLONY_SIGNING_KEY_FILE: path,
  };
  const kernels = await Promise.all([KernelProcess.start(env), KernelProcess.start(env)]);
  onTestFinished(() => Promise.all(kernels.map((kernel) => kernel.end('SIGKILL'))).then(() => undefined));
  const [one, two] = kernels.map(
    ({ url }) =>
      async (route: string) =>
        (await fetch(`${url}/system/audit/${route}`)).text(),
  );
  const noted = JSON.parse(await one!('head'));
  expect(JSON.parse(await two!('head'))).toMatchObject({ public_key: noted.public_key });
  expect(await verify(await two!('export'), { noted })).toMatchObject({ valid: true });
  expect(readdirSync(dirname(path))).toEqual(['signing.key']);
});
