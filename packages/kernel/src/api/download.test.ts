import { once } from 'node:events';
import { get } from 'node:http';
import Fastify from 'fastify';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { sendLines } from './download.ts';

/** Serves lines; answers where, and what became of those who asked. */
async function serve(lines: () => AsyncGenerator<string>, stallMs?: number) {
  const ended: string[] = [];
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push(JSON.parse(line).msg) });
  async function* watched(): AsyncGenerator<string> {
    try {
      yield* lines();
      ended.push('read');
    } finally {
      ended.push('over');
    }
  }
  const app = Fastify();
  onTestFinished(() => app.close());
  app.get('/', async (_request, reply) => sendLines({ log }, reply, watched(), stallMs));
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), ended, said };
}

async function* forEver(): AsyncGenerator<string> {
  for (;;) yield 'x'.repeat(100_000);
}

test('lines are sent to their end', async () => {
  const { url, ended } = await serve(async function* () {
    yield 'a\n';
    yield 'ü\n';
  });
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
  expect(await answer.text()).toBe('a\nü\n');
  expect(ended).toEqual(['read', 'over']);
});

test('lines that fail break the answer off, and the log says so', async () => {
  const { url, said } = await serve(async function* () {
    yield 'a\n';
    throw new Error('no more');
  });
  await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
  expect(said).toEqual(['an answer was broken off']);
});

test('whoever takes nothing any more is not waited for', async () => {
  const { url, ended } = await serve(forEver, 200);
  const request = get(url);
  request.on('error', () => undefined);
  const [answer] = await once(request, 'response');
  answer.on('error', () => undefined);
  await expect.poll(() => ended, { timeout: 10_000 }).toEqual(['over']);
  request.destroy();
});

test('whoever goes away ends it', async () => {
  const { url, ended } = await serve(forEver);
  const request = get(url);
  request.on('error', () => undefined);
  const [answer] = await once(request, 'response');
  answer.on('error', () => undefined);
  request.destroy();
  await expect.poll(() => ended, { timeout: 10_000 }).toEqual(['over']);
});
