/** Why a task waits, who got it, and who would. */
import { ColonyClient } from '@colonyos/client';
import { expect, test } from 'vitest';
import { arrived, type Harness, startColony, TestSocket } from './harness.ts';

async function register({ call }: Harness, name: string, about: object = {}): Promise<string> {
  return (await call('POST /workers', { name, capabilities: [{ name: 'ocr' }], ...about })).json.id;
}

async function submit({ call }: Harness, task: object = {}): Promise<string> {
  const { status, json } = await call('POST /tasks', {
    description: 'x',
    requirements: { capability: 'ocr' },
    ...task,
  });
  expect(status).toBe(201);
  return json.id;
}

async function explain({ call }: Harness, id: string) {
  const { status, json } = await call(`GET /tasks/${id}/explain`);
  expect(status).toBe(200);
  return json;
}

test('without workers a queued task waits for one, and is told its place', async () => {
  const colony = await startColony();
  await submit(colony);
  const id = await submit(colony);
  const urgent = await submit(colony, { priority: 9 });
  expect(await explain(colony, id)).toEqual({
    status: 'queued',
    summary: 'Queued; waits for a worker: none is registered.',
    waiting_for: ['worker'],
    waits: [{ waiting_for: 'worker', text: 'for a worker: none is registered', until: null }],
    queue_position: 3,
    decision: null,
    candidates: [],
    candidates_total: 0,
  });
  expect((await explain(colony, urgent)).queue_position).toBe(1);
});

test('every worker is told of with what is against it, those first who could have the task', async () => {
  const colony = await startColony({ WORKER_HEARTBEAT_INTERVAL: '3600' });
  const [image, idle, busy] = [
    await register(colony, 'image', { capabilities: [{ name: 'image' }] }),
    await register(colony, 'idle'),
    await register(colony, 'busy'),
  ];
  const held = await submit(colony);
  await colony.call(`POST /workers/${busy}/claim`);
  const id = await submit(colony);
  const explained = await explain(colony, id);
  expect(explained).toMatchObject({ waiting_for: ['worker'], queue_position: 1, candidates_total: 3 });
  expect(explained.summary).toBe(
    'Queued; waits for a worker to ask for work: 1 worker that could do this has a free slot, and does not ask.',
  );
  expect(explained.candidates).toMatchObject([
    { worker_id: idle, name: 'idle', eligible: true, reasons: ['is not asking for work'] },
    { worker_id: busy, name: 'busy', eligible: false, reasons: ['has no free slot (1 of 1)'] },
    { worker_id: image, name: 'image', eligible: false, reasons: ['needs capability ocr; has image'] },
  ]);
  await colony.call(`DELETE /workers/${idle}`);
  expect(await explain(colony, id)).toMatchObject({
    waiting_for: ['capacity'],
    summary: 'Queued; waits for a free slot: the only worker that could do this is busy.',
  });
  await colony.call(`DELETE /workers/${busy}?drain=true`);
  expect(await explain(colony, id)).toMatchObject({
    waiting_for: ['worker'],
    summary: 'Queued; waits for a worker: the only one that could do this cannot just now (1 draining).',
  });
  const running = await explain(colony, held);
  expect(running).toMatchObject({ status: 'executing', waiting_for: [], waits: [], queue_position: null });
  expect(running.decision).toMatchObject({ worker_id: busy, decided_at: expect.any(String) });
  await colony.call(`POST /tasks/${held}/complete`, { lease_token: 1 });
  expect(await explain(colony, id)).toMatchObject({
    waiting_for: ['worker'],
    summary: 'Queued; waits for a worker: none of the 1 registered can do this; it needs capability ocr.',
  });
  expect(await explain(colony, held)).toMatchObject({ status: 'completed', decision: { worker_id: busy } });
});

test('a limit that is reached is named', async () => {
  const colony = await startColony({ MAX_CONCURRENT_TASKS: '1' });
  const worker = await register(colony, 'bee', { max_concurrent_tasks: 2 });
  const first = await submit(colony);
  await colony.call(`POST /workers/${worker}/claim`);
  const id = await submit(colony);
  const waiting = await arrived(colony, worker, () =>
    colony.call(`POST /workers/${worker}/claim`, { wait_seconds: 20 }),
  );
  await expect.poll(async () => (await explain(colony, id)).waiting_for).toEqual(['capacity']);
  expect((await explain(colony, id)).summary).toBe(
    'Queued; waits because MAX_CONCURRENT_TASKS (1) is reached: 1 task executing.',
  );
  expect((await explain(colony, id)).candidates).toMatchObject([{ eligible: true, reasons: [] }]);
  await colony.call(`POST /tasks/${first}/complete`, { lease_token: 1 });
  expect((await waiting.answer).json.tasks).toMatchObject([{ id }]);
});

test('so are bounds of its group and its capability, and when a rate lets it start', async () => {
  const colony = await startColony({ COLONY_GROUP_MAX_CONCURRENT: '1', MAX_CONCURRENT_TASKS: '0' });
  const limits = [
    { id: 'gpus', capability: 'ocr', max_concurrent: 1 },
    { id: 'api', capability: 'ocr', per_second: 0.001 },
  ];
  await colony.call('PUT /guardian/policy', { rules: [], limits });
  const worker = await register(colony, 'bee', { max_concurrent_tasks: 9, capabilities: [{ name: 'ocr' }] });
  const ocr = { requirements: { capability: 'ocr' } };
  await submit(colony, { ...ocr, group: 'a' });
  await colony.call(`POST /workers/${worker}/claim`);
  const waiting = await arrived(colony, worker, () =>
    colony.call(`POST /workers/${worker}/claim`, { wait_seconds: 20 }),
  );
  const summary = async (task: object) => (await explain(colony, await submit(colony, task))).summary;
  await expect
    .poll(() => summary({ group: 'a', requirements: {} }))
    .toBe('Queued; waits because COLONY_GROUP_MAX_CONCURRENT (1) is reached: 1 task executing.');
  expect(await summary(ocr)).toMatch(
    /^Queued; waits because the policy's limit gpus \(1\) is reached: 1 task executing, and until \S+Z, because the policy's limit api lets 0\.001 start in a second\.$/,
  );
  await submit(colony, { requirements: {} });
  expect((await waiting.answer).json.tasks).toHaveLength(1);
});

test('a pending task is told all that it waits for at once', async () => {
  const colony = await startColony({ GUARDIAN_PARTICIPANTS: 'ann,bob', GUARDIAN_CONSENSUS_THRESHOLD: '1' });
  const before = await submit(colony);
  const id = await submit(colony, {
    constraints: { safety_level: 'critical' },
    depends_on: [before],
    run_at: '2099-01-01T00:00:00Z',
  });
  await colony.call(`POST /votes/${id}/ballots`, { participant: 'ann', approve: true });
  const explained = await explain(colony, id);
  expect(explained).toMatchObject({
    status: 'pending',
    waiting_for: ['approval', 'dependencies', 'scheduled'],
    queue_position: null,
    waits: [
      { vote_id: id, not_voted: ['bob'], until: expect.any(String) },
      { dependencies: [{ id: before, status: 'queued' }] },
      { until: '2099-01-01T00:00:00.000Z' },
    ],
  });
  expect(explained.summary).toContain('1 of 2 approvals; bob has not voted, and for 1 task to complete: ');
  await colony.call(`POST /votes/${id}/ballots`, { participant: 'bob', approve: true });
  expect((await explain(colony, id)).waiting_for).toEqual(['dependencies', 'scheduled']);
  const worker = await register(colony, 'bee');
  const [{ lease }] = (await colony.call(`POST /workers/${worker}/claim`)).json.tasks;
  await colony.call(`POST /tasks/${before}/complete`, { lease_token: lease.token });
  expect((await explain(colony, id)).waiting_for).toEqual(['scheduled']);
});

test('a task that is tried again waits for its next attempt', async () => {
  const colony = await startColony();
  const id = await submit(colony, {
    max_retries: 1,
    retry_backoff: { type: 'fixed', delay_seconds: 60, jitter: false },
  });
  const worker = await register(colony, 'bee');
  await colony.call(`POST /workers/${worker}/claim`);
  await colony.call(`POST /tasks/${id}/fail`, { lease_token: 1, error: 'no' });
  const explained = await explain(colony, id);
  expect(explained).toMatchObject({ status: 'pending', waiting_for: ['retry'], decision: null });
  expect(explained.summary).toMatch(/^Pending; waits until its next attempt at .*Z\.$/);
});

test('what has ended says how', async () => {
  const colony = await startColony();
  const rejected = await submit(colony, { payload: 'rm -rf /' });
  expect(await explain(colony, rejected)).toMatchObject({
    status: 'rejected',
    summary: expect.stringMatching(/^Rejected at .*: destructive-commands: .*[^.]\.$/),
    decision: null,
    candidates: [],
  });
  expect((await colony.call('GET /tasks/nobody/explain')).json.code).toBe('task_not_found');
});

test('POST /mind/route says what would become of a task, and stores nothing', async () => {
  const colony = await startColony();
  const route = async (task: object = {}) =>
    colony.call('POST /mind/route', { description: 'x', requirements: { capability: 'ocr' }, ...task });
  expect((await route()).json).toMatchObject({
    status: 'queued',
    summary: 'Would be queued; waits for a worker: none is registered.',
    queue_position: 1,
    decision: null,
  });
  const first = await submit(colony);
  await submit(colony, { priority: 2 });
  expect((await route()).json.queue_position).toBe(2);
  expect((await route({ priority: 0 })).json.queue_position).toBe(3);
  expect((await route({ payload: 'rm -rf /' })).json).toMatchObject({
    status: 'rejected',
    summary: expect.stringMatching(/^Would be rejected: destructive-commands: /),
    waiting_for: [],
  });
  const pending = await route({ constraints: { safety_level: 'critical' }, depends_on: [first], delay_seconds: 60 });
  expect(pending.json).toMatchObject({
    status: 'pending',
    waiting_for: ['approval', 'dependencies', 'scheduled'],
    waits: [{ not_voted: ['operator'] }, { dependencies: [{ id: first }] }, {}],
  });
  await colony.call(`DELETE /tasks/${first}`);
  expect((await route({ depends_on: [first] })).json).toMatchObject({ status: 'cancelled' });
  expect(await route({ depends_on: ['nobody'] })).toMatchObject({
    status: 422,
    json: { code: 'validation_failed', errors: [{ path: '/depends_on/0' }] },
  });
  expect((await route({ priority: 11 })).json.errors).toMatchObject([{ path: '/priority' }]);
  expect((await colony.call('GET /tasks?limit=9')).json).toHaveLength(2);
});

test('a worker that waits on a socket would be given it at once', async () => {
  const colony = await startColony();
  const url = await colony.listen();
  const worker = await register(colony, 'bee');
  const socket = await new TestSocket(`${url}/ws/worker?worker_id=${worker}`).open();
  socket.send({ type: 'ready', slots: 1, ref: 1 });
  await socket.message(({ type }) => type === 'ack');
  const { json } = await colony.call('POST /mind/route', { description: 'x', requirements: { capability: 'ocr' } });
  expect(json).toMatchObject({
    status: 'executing',
    summary: 'Would be given to bee at once.',
    decision: { worker_id: worker, decided_at: null },
    candidates: [{ worker_id: worker, eligible: true, reasons: [] }],
  });
  socket.send({ type: 'ready', slots: 0, ref: 2 });
  await socket.message(({ ref }) => ref === 2);
  const later = await colony.call('POST /mind/route', { description: 'x', requirements: { capability: 'ocr' } });
  expect(later.json).toMatchObject({ status: 'queued', candidates: [{ reasons: ['is not asking for work'] }] });
  expect((await colony.call('GET /tasks')).json).toEqual([]);
  expect(socket.messages.filter(({ type }) => type === 'assign')).toEqual([]);
});

test('of a thousand workers a hundred are named, the best of them, and all are counted', async () => {
  const colony = await startColony();
  await Promise.all(
    Array.from({ length: 1000 }, (_, n) => register(colony, `bee-${n}`, n % 20 === 7 ? {} : { capabilities: [] })),
  );
  const id = await submit(colony);
  const { candidates, candidates_total, summary } = await explain(colony, id);
  expect(candidates_total).toBe(1000);
  expect(candidates).toHaveLength(100);
  expect(candidates.map(({ eligible }: { eligible: boolean }) => eligible)).toEqual(
    Array.from({ length: 100 }, (_, at) => at < 50),
  );
  expect(summary).toContain('50 workers that could do this have a free slot');
});

test('the better of two that wait gets the task, which is told before, and after with what spoke for whom', async () => {
  const colony = await startColony({ WORKER_HEARTBEAT_INTERVAL: '3600' });
  const url = await colony.listen();
  const task = { requirements: { capability: 'ocr' }, preferences: { region: 'eu' } };
  const [here, there] = [
    await register(colony, 'here', { attributes: { region: 'eu' } }),
    await register(colony, 'there'),
  ];
  for (const worker of [there, here]) {
    const socket = await new TestSocket(`${url}/ws/worker?worker_id=${worker}`).open();
    socket.send({ type: 'ready', slots: 1, ref: 1 });
    await socket.message(({ type }) => type === 'ack');
  }
  const before = (await colony.call('POST /mind/route', { description: 'x', ...task })).json;
  expect(before.candidates.map(({ name }: { name: string }) => name)).toEqual(['here', 'there']);
  expect(before.decision).toEqual({ worker_id: here, score: before.candidates[0].score, decided_at: null });
  expect(before.candidates).toMatchObject([{ scores: { preferences: 1 } }, { scores: { preferences: 0 } }]);
  const id = await submit(colony, task);
  await expect.poll(async () => (await explain(colony, id)).status).toBe('executing');
  const { decision, candidates, candidates_total } = await explain(colony, id);
  expect(decision).toMatchObject({ worker_id: here, score: candidates[0].score });
  expect(candidates).toMatchObject([
    { worker_id: here, name: 'here', eligible: true, reasons: [], scores: { preferences: 1, fit: expect.any(Number) } },
    { worker_id: there, name: 'there', eligible: true, reasons: [], scores: { preferences: 0 } },
  ]);
  expect(candidates[0].score).toBeGreaterThan(candidates[1].score);
  expect(candidates_total).toBe(2);
  // What was decided is told as it was, whoever is still there.
  await colony.call(`DELETE /workers/${there}`);
  await colony.call(`POST /tasks/${id}/complete`, { lease_token: 1 });
  expect((await explain(colony, id)).candidates).toEqual(candidates);
});

test('the client asks both', async () => {
  const { listen } = await startColony();
  const colony = new ColonyClient({ url: await listen() });
  const task = { description: 'x', requirements: { capability: 'ocr' } };
  const { id } = await colony.submit(task);
  expect(await colony.explain(id)).toMatchObject({ waiting_for: ['worker'], queue_position: 1 });
  expect(await colony.route(task)).toMatchObject({ status: 'queued', queue_position: 2, decision: null });
  await expect(colony.explain('nobody')).rejects.toMatchObject({ status: 404, code: 'task_not_found' });
});

test.each([1e-9, 1e-17, 5e-324])('a rate of %d a second is slow, and breaks nothing', async (perSecond) => {
  const colony = await startColony();
  const rules = [{ id: 'slow', type: 'rate_limit', action: 'reject', per_second: perSecond, burst: 2 }];
  const limits = [{ id: 'slow', capability: 'ocr', per_second: perSecond }];
  await colony.call('PUT /guardian/policy', { rules, limits });
  const bee = await register(colony, 'bee', { max_concurrent_tasks: 2 });
  await submit(colony);
  const second = await submit(colony);
  const third = await colony.call('POST /tasks', { description: 'x' });
  expect(third.status).toBe(429);
  expect(String(third.headers['retry-after'])).toMatch(/^\d{9,10}$/);
  expect((await colony.call(`POST /workers/${bee}/claim`, { max_tasks: 2 })).json.tasks).toHaveLength(1);
  expect((await explain(colony, second)).summary).toMatch(/until 2\d{3}-.*Z, because the policy's limit slow lets/);
});

test('what is called off was not called off by its worker, nor for what went wrong before', async () => {
  const colony = await startColony();
  const bee = await register(colony, 'bee');
  const claim = async () => (await colony.call(`POST /workers/${bee}/claim`, {})).json.tasks[0];
  const running = await submit(colony);
  await claim();
  await colony.call(`DELETE /tasks/${running}`);
  expect((await explain(colony, running)).summary).toMatch(
    /^Cancelled while executed by bee \(.*\) at [^:]*:[^:]*:[^:]*Z\.$/,
  );
  const retried = await submit(colony, { max_retries: 1, retry_backoff: { type: 'fixed', delay_seconds: 60 } });
  const { lease } = await claim();
  await colony.call(`POST /tasks/${retried}/fail`, { lease_token: lease.token, error: 'no paper' });
  await colony.call(`DELETE /tasks/${retried}`);
  expect((await explain(colony, retried)).summary).toMatch(/^Cancelled at .*Z; the attempt before: no paper\.$/);
});
