/** What workers did well becomes experience: it says who gets a task, and can be read and searched. */
import { expect, test, vi } from 'vitest';
import { type Harness, startColony } from './harness.ts';

const EVEN = { COLONY_SCORING_WEIGHTS: 'speed=0,wait=0' };

const LETTERS = [
  'Translate the letter of the landlord into French',
  'Translate this short letter to the bank into German',
  'Translate the invitation letter for the mayor into Spanish',
  'Translate a letter of thanks into English',
  'Translate the letter to our members into Polish',
];
const CRASHES = [
  'Find out why the app crashes at start on old phones',
  'The server crashes under load: find the cause',
  'App crashes when the photo is rotated, find the version that broke it',
  'Find duplicates among the crash reports of last night',
  'Find which module crashes when the disk is full',
];

async function register({ call }: Harness, name: string): Promise<string> {
  return (await call('POST /workers', { name, capabilities: [{ name: 'write' }] })).json.id;
}

/** Has a worker do something, well or not. */
async function work({ call }: Harness, workerId: string, name: string, description: string, failed = false) {
  const requirements = { capability: 'write', worker: name };
  const { id } = (await call('POST /tasks', { description, requirements })).json;
  const { tasks } = (await call(`POST /workers/${workerId}/claim`)).json;
  expect(tasks).toMatchObject([{ id }]);
  const lease = { lease_token: tasks[0].lease.token };
  if (failed) await call(`POST /tasks/${id}/fail`, { ...lease, error: 'no', retryable: false });
  else await call(`POST /tasks/${id}/complete`, { ...lease, result: null });
}

async function experienced() {
  const colony = await startColony(EVEN);
  const [bob, ann] = [await register(colony, 'bob'), await register(colony, 'ann')];
  for (const text of CRASHES) await work(colony, bob, 'bob', text);
  for (const text of LETTERS) await work(colony, ann, 'ann', text);
  return { colony, ann, bob };
}

const NEXT = { description: 'Translate the letter of complaint into Dutch', requirements: { capability: 'write' } };

test('of two workers with equal capabilities the next task goes to the one that did such tasks well, and it is told why', async () => {
  const { colony, ann, bob } = await experienced();
  const { call } = colony;
  const foreseen = (await call('POST /mind/route', NEXT)).json;
  expect(foreseen.candidates.map(({ name }: { name: string }) => name)).toEqual(['ann', 'bob']);

  const claims = [bob, ann].map((id) => call(`POST /workers/${id}/claim`, { wait_seconds: 30 }));
  await vi.waitFor(async () => expect(waiting(await call('POST /mind/route', NEXT))).toBe(2));
  const { id } = (await call('POST /tasks', NEXT)).json;
  const { tasks } = (await claims[1]!).json;
  expect(tasks).toMatchObject([{ id }]);
  const { decision, candidates } = (await call(`GET /tasks/${id}/explain`)).json;
  expect(decision.worker_id).toBe(ann);
  expect(candidates.map(({ name }: { name: string }) => name)).toEqual(['ann', 'bob']);
  expect(candidates[0].scores.nearness).toBeGreaterThan(2 * candidates[1].scores.nearness);
  expect(candidates[0].scores.success).toBe(candidates[1].scores.success);

  // The other kind of task goes to the other one.
  const again = call(`POST /workers/${ann}/claim`, { wait_seconds: 30 });
  await call(`POST /tasks/${id}/complete`, { lease_token: tasks[0].lease.token, result: null });
  await vi.waitFor(async () => expect(waiting(await call('POST /mind/route', NEXT))).toBe(2));
  const crash = { ...NEXT, description: 'Find out why the app crashes after the update' };
  const other = (await call('POST /tasks', crash)).json.id;
  expect((await claims[0]!).json.tasks).toMatchObject([{ id: other }]);
  expect((await call('POST /tasks', NEXT)).status).toBe(201);
  await again;
});

/** How many of the candidates ask for work. */
function waiting({ json }: Awaited<ReturnType<Harness['call']>>): number {
  return json.candidates.filter(({ reasons }: { reasons: string[] }) => reasons.length === 0).length;
}

test('who did what well can be read and searched, and nobody but the kernel writes it', async () => {
  const { colony, bob } = await experienced();
  const { call } = colony;
  await work(colony, bob, 'bob', LETTERS[0]!, true);
  const scope = '/memory/colony.experience';
  await vi.waitFor(async () => expect((await call(`GET ${scope}`)).json.items).toHaveLength(11), { timeout: 10_000 });
  const entry = (await call(`GET ${scope}/ann%2F0`)).json;
  expect(entry).toMatchObject({ value: { done: 1, failed: 0 }, text: LETTERS[0], metadata: { worker: 'ann' } });
  expect((await call(`GET ${scope}/bob%2F5`)).json.value).toEqual({ done: 0, failed: 1 });
  const { json } = await call(`POST ${scope}/search`, {
    text: 'translate a letter',
    filter: { worker: 'ann' },
    top_k: 5,
  });
  expect(json.matches).toHaveLength(5);
  expect(json.matches[0].key).toMatch(/^ann\//);

  const refused = { status: 422, json: { code: 'validation_failed', errors: [{ path: 'path.scope' }] } };
  expect(await call(`PUT ${scope}/ann%2F0`, { value: 1 })).toMatchObject(refused);
  expect(await call(`DELETE ${scope}/ann%2F0`)).toMatchObject(refused);
  expect(await call(`POST ${scope}/batch`, { items: [{ key: 'x', value: 1 }] })).toMatchObject(refused);
  expect(await call('PUT /memory/colony./x', { value: 1 })).toMatchObject(refused);
  expect((await call(`GET ${scope}/ann%2F0`)).json).toEqual(entry);
});

test('what was shown after a checkpoint is not known after the way back to it', async () => {
  const colony = await startColony(EVEN);
  const { call } = colony;
  const [ann, bob] = [await register(colony, 'ann'), await register(colony, 'bob')];
  for (const text of LETTERS) await work(colony, ann, 'ann', text);
  await work(colony, bob, 'bob', CRASHES[0]!);
  await vi.waitFor(async () => expect((await call('GET /memory/colony.experience')).json.items).toHaveLength(6), {
    timeout: 10_000,
  });
  const incomplete = async () => (await call('POST /memory/colony.experience/search', { text: 'so' })).json.incomplete;
  await vi.waitFor(async () => expect(await incomplete()).toBe(0), { timeout: 10_000 });
  const { checkpoint_id } = (await call('POST /system/checkpoint')).json;
  await work(colony, bob, 'bob', LETTERS[0]!);
  const nearness = async () => {
    const { candidates } = (await call('POST /mind/route', { ...NEXT, description: LETTERS[0] })).json;
    return candidates.find(({ name }: { name: string }) => name === 'bob').scores.nearness;
  };
  expect(await nearness()).toBeGreaterThan(0.5);
  await call(`POST /system/rollback/${checkpoint_id}`);
  await vi.waitFor(async () => expect(await nearness()).toBeLessThan(0.1), { timeout: 10_000 });
});

test('what counts nothing is not noted down, either', async () => {
  const colony = await startColony({ COLONY_SCORING_WEIGHTS: 'nearness=0' });
  const [ann, bob] = [await register(colony, 'ann'), await register(colony, 'bob')];
  for (const text of LETTERS) await work(colony, ann, 'ann', text);
  const claims = [ann, bob].map((id) => colony.call(`POST /workers/${id}/claim`, { wait_seconds: 1 }));
  await vi.waitFor(async () => expect(waiting(await colony.call('POST /mind/route', NEXT))).toBe(2));
  const { id } = (await colony.call('POST /tasks', NEXT)).json;
  const { candidates } = (await colony.call(`GET /tasks/${id}/explain`)).json;
  expect(candidates).toHaveLength(2);
  for (const { scores } of candidates) expect(scores).not.toHaveProperty('nearness');
  await Promise.all(claims);
});
