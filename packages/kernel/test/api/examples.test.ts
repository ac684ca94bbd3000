/** The examples for memory, as somebody would run them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startColony } from './harness.ts';

const run = promisify(execFile);

/** What it prints. */
async function example(name: string, url: string): Promise<string> {
  const path = fileURLToPath(new URL(`../../../../examples/${name}.ts`, import.meta.url));
  const env = { PATH: process.env.PATH, COLONY_URL: url };
  return (await run(process.execPath, [path], { env, timeout: 15_000 })).stdout;
}

test('agents put their findings on a blackboard', async () => {
  const url = await (await startColony()).listen();
  expect(await example('blackboard', url)).toContain('9 words, by 3 agents');
});

test('a lock has one holder at a time', async () => {
  const url = await (await startColony()).listen();
  expect(await example('lock', url)).toBe(
    '5 held it, at most 1 at a time, each with a higher version than the one before\n',
  );
});

test('a cache is asked first', async () => {
  const url = await (await startColony()).listen();
  expect(await example('cache', url)).toContain('asked 2 times');
});

test('what was learned is recalled', async () => {
  const url = await (await startColony()).listen();
  expect(await example('recall', url)).toMatch(/when is it sent\? .*\n {2}\d\.\d{4} invoices: /);
});
