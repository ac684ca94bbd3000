/** Patterns and texts that are made to take long: whoever else asks for something is answered meanwhile. */
import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { Random } from '../../src/testing/random.ts';
import { startColony } from './harness.ts';

const random = new Random(11);
const noise = (length: number) => Array.from({ length }, () => random.pick(['a', 'b'])).join('');

/** In each text of a thousand letters they use up what a search may take. */
const EXPLOSIVE = {
  rules: [
    {
      id: 'hostile',
      type: 'prohibited_pattern',
      action: 'require_approval',
      patterns: Array.from({ length: 10 }, (_, index) => `[ab]*a[ab]{80${index}}${index}c`),
    },
  ],
};
const hostile = (count: number) => Array.from({ length: count }, () => ({ description: noise(980) }));

/** How often `/health` is answered over a socket, one after the other, until the promise resolves. */
async function answersDuring(url: string, work: Promise<unknown>): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  let answers = 0;
  let isOver = false;
  void work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((resolve, reject) => {
      request(`${url}/health`, { agent }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end();
    });
    if (!isOver) answers++;
  }
  agent.destroy();
  await work;
  return answers;
}

async function hostileColony() {
  const colony = await startColony();
  const url = await colony.listen();
  expect((await colony.call('PUT /guardian/policy', EXPLOSIVE)).status).toBe(200);
  return { ...colony, url };
}

test('while a batch is judged that was made to take long', async () => {
  const { call, url } = await hostileColony();
  const batch = call('POST /tasks/batch', { tasks: hostile(40) });
  expect(await answersDuring(url, batch)).toBeGreaterThan(9);
  const { status, json } = await batch;
  expect(status).toBe(201);
  const [{ id, status: state, pending_reason: reason }] = json.tasks;
  expect({ state, reason }).toEqual({ state: 'pending', reason: 'approval' });
  expect((await call(`GET /votes/${id}`)).json.decision).toContain('too large to be searched');
});

test('while each task of a batch is judged on its own', async () => {
  const { call, url } = await hostileColony();
  const batch = call('POST /tasks/batch', { tasks: hostile(40), atomic: false });
  expect(await answersDuring(url, batch)).toBeGreaterThan(9);
  expect((await batch).json.results.map((one: { status: number }) => one.status)).toEqual(Array(40).fill(201));
});

test('while many ask what the guardian would say', async () => {
  const { call, url } = await hostileColony();
  const asking = Promise.all(hostile(40).map((task) => call('POST /guardian/evaluate', task)));
  expect(await answersDuring(url, asking)).toBeGreaterThan(9);
  for (const { json } of await asking) expect(json.verdict).toBe('require_approval');
});

test('while many tasks are run again', async () => {
  const { call, url } = await hostileColony();
  expect((await call('PUT /guardian/policy', { rules: [] })).status).toBe(200);
  const { json } = await call('POST /tasks/batch', { tasks: hostile(40) });
  await Promise.all(json.tasks.map(({ id }: { id: string }) => call(`DELETE /tasks/${id}`)));
  expect((await call('PUT /guardian/policy', EXPLOSIVE)).status).toBe(200);
  const again = Promise.all(json.tasks.map(({ id }: { id: string }) => call(`POST /tasks/${id}/retry`)));
  expect(await answersDuring(url, again)).toBeGreaterThan(9);
  for (const answer of await again) expect(answer.json).toMatchObject({ pending_reason: 'approval' });
});

test('while a policy is read that was made to take long', async () => {
  const { call, url } = await hostileColony();
  const patterns = Array.from({ length: 400 }, (_, index) => `(?:${'ab|a'.repeat(119)})${index}`);
  const put = call('PUT /guardian/policy', { rules: [{ ...EXPLOSIVE.rules[0], patterns }] });
  expect(await answersDuring(url, put)).toBeGreaterThan(9);
  expect((await put).status).toBe(200);
});

test('nesting is bounded in a large body, too, and in each task of a batch', async () => {
  const { call } = await startColony();
  const nested = (depth: number) => `${'['.repeat(depth)}"${'x'.repeat(100_000)}"${']'.repeat(depth)}`;
  const task = (depth: number) => `{"description":"x","payload":${nested(depth)}}`;
  expect((await call('POST /tasks', task(31))).status).toBe(201);
  expect((await call('POST /tasks', task(32))).status).toBe(422);
  expect((await call('POST /tasks/batch', `{"tasks":[${task(31)}]}`)).status).toBe(201);
  expect((await call('POST /tasks/batch', `{"tasks":[${task(32)}]}`)).status).toBe(422);
  const small = (depth: number) => ({
    tasks: [{ description: 'x', payload: JSON.parse(nested(depth).replace(/x+/, '')) }],
  });
  expect((await call('POST /tasks/batch', small(31))).status).toBe(201);
  expect((await call('POST /tasks/batch', small(32))).status).toBe(422);
});
