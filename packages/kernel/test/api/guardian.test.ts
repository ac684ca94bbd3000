import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ColonyClient } from '@colonyos/client';
import { expect, test } from 'vitest';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { startColony } from './harness.ts';

const NO_ODD = { id: 'no-odd', type: 'requirement', action: 'reject', deny_tags: ['odd'] };

test('a colony begins with a policy that keeps out what destroys, and asks about what is critical', async () => {
  const { call } = await startColony();
  const policy = await call('GET /guardian/policy');
  expect(policy).toMatchObject({ status: 200, json: { version: 1 } });
  expect(policy.headers.etag).toBe('"1"');
  const bad = await call('POST /tasks', { description: 'clean up', payload: { shell: 'sudo rm -rf /' } });
  expect(bad).toMatchObject({
    status: 201,
    json: { status: 'rejected', error: expect.stringMatching(/^destructive-commands: /) },
  });
  const large = await call('POST /tasks', { description: 'x', constraints: { max_tokens: 5000 } });
  expect(large.json).toMatchObject({ status: 'rejected', error: expect.stringContaining('max_tokens') });
  const { json: risky } = await call('POST /tasks', { description: 'x', constraints: { safety_level: 'critical' } });
  expect(risky).toMatchObject({ status: 'pending', pending_reason: 'approval' });
  const [vote] = (await call('GET /votes?status=open')).json;
  expect(vote).toMatchObject({ task_id: risky.id, participants: ['operator'] });
  const cast = await call(`POST /votes/${vote.id}/ballots`, { participant: 'operator', approve: true });
  expect(cast.json.status).toBe('approved');
  expect((await call(`GET /tasks/${risky.id}`)).json.status).toBe('queued');
});

test('POST /guardian/evaluate says what would become of a task, and stores nothing', async () => {
  const { call } = await startColony();
  const evaluate = async (task: object) => (await call('POST /guardian/evaluate', { description: 'x', ...task })).json;
  expect(await evaluate({})).toEqual({ verdict: 'approve', violations: [] });
  expect(await evaluate({ payload: ['DROP TABLE users'] })).toMatchObject({
    verdict: 'reject',
    violations: [{ rule: 'destructive-sql', message: expect.any(String) }],
  });
  expect((await evaluate({ constraints: { safety_level: 'critical' } })).verdict).toBe('require_approval');
  expect((await call('POST /guardian/evaluate', {})).status).toBe(422);
  expect((await call('GET /tasks')).json).toEqual([]);
});

test('a policy is replaced as a whole, or not at all', async () => {
  const { call } = await startColony();
  const put = (body: unknown, headers = {}) => call('PUT /guardian/policy', body, headers);
  const bad = await put({ rules: [NO_ODD, { ...NO_ODD, id: 'x', type: 'nonsense' }] });
  expect(bad).toMatchObject({ status: 422, json: { code: 'validation_failed', errors: [{ path: '/rules/1/type' }] } });
  expect((await call('GET /guardian/policy')).json.version).toBe(1);
  const set = await put({ rules: [NO_ODD] });
  expect(set).toMatchObject({ status: 200, json: { version: 2, rules: [NO_ODD] } });
  expect((await call('GET /guardian/policy')).json).toEqual(set.json);
  expect((await call('POST /tasks', { description: 'x', tags: ['odd'] })).json.status).toBe('rejected');
  expect(await put(set.json, { 'if-match': '"1"' })).toMatchObject({ status: 412, json: { code: 'version_mismatch' } });
  expect((await put(set.json, { 'if-match': 'x' })).status).toBe(422);
  expect(await put(set.json, { 'if-match': '"2"' })).toMatchObject({ status: 200, json: { version: 3 } });
  const { entries } = (await call('GET /system/audit?event_type=policy_updated')).json;
  expect(entries.map(({ details }: { details: object }) => details)).toMatchObject([
    { policy_version: 2, rules: 1 },
    { policy_version: 3 },
  ]);
});

test('over a rate limit a task is refused with the time to wait, and nothing is stored', async () => {
  const { call } = await startColony();
  await call('PUT /guardian/policy', {
    rules: [{ id: 'slow', type: 'rate_limit', action: 'reject', per_second: 0.01, burst: 2 }],
  });
  const submit = () => call('POST /tasks', { description: 'x', created_by: 'ann' });
  for (let n = 0; n < 2; n++) expect((await submit()).status).toBe(201);
  const refused = await submit();
  expect(refused).toMatchObject({ status: 429, json: { code: 'rate_limited' } });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50);
  expect((await call('GET /tasks')).json).toHaveLength(2);
});

/** On a file that outlives the kernel, whatever the others are on. */
function at(path: string): Record<string, string> {
  return { COLONY_MEMORY_BACKEND: 'sqlite', COLONY_MEMORY_CONNECTION_STRING: path };
}

test('a policy file with a module of one’s own is in force from the start, and a broken one stops it', async () => {
  const path = temporaryPath('policy.json');
  writeFileSync(
    join(dirname(path), 'rules.mjs'),
    `export const rules = { weekday: { parse: ({ day }) => (task) => task.tags.includes(day) ? 'Not on ' + day + '.' : null } };`,
  );
  const write = (rules: unknown) => writeFileSync(path, JSON.stringify({ modules: ['./rules.mjs'], rules }));
  write([{ id: 'closed', type: 'weekday', action: 'reject', day: 'sunday' }]);
  const { call } = await startColony({ GUARDIAN_POLICY_FILE: path });
  expect((await call('GET /guardian/policy')).json.version).toBe(2);
  const task = await call('POST /tasks', { description: 'x', tags: ['sunday'] });
  expect(task.json).toMatchObject({ status: 'rejected', error: 'closed: Not on sunday.' });
  const path2 = temporaryPath('colony.db');
  const one = await startColony({ ...at(path2), GUARDIAN_POLICY_FILE: path });
  await one.stop();
  await expect(startColony(at(path2))).rejects.toThrow(/GUARDIAN_POLICY_FILE/);
  write([{ id: 'closed', type: 'weekend', action: 'reject' }]);
  await expect(startColony({ GUARDIAN_POLICY_FILE: path })).rejects.toThrow(/GUARDIAN_POLICY_FILE .*\/rules\/0\/type/);
});

test('the client sets policies, asks what they say, and votes', async () => {
  const { listen } = await startColony();
  const colony = new ColonyClient({ url: await listen() });
  expect((await colony.getPolicy()).version).toBe(1);
  const rules = [{ id: 'all', type: 'safety_level', action: 'require_approval', levels: ['low'] } as const];
  const limits = [{ id: 'gpus', capability: 'ocr', max_concurrent: 1 }];
  expect(await colony.setPolicy({ rules: [...rules], limits }, { expected: 1 })).toEqual({ version: 2, rules, limits });
  const again = colony.setPolicy({ rules: [] }, { expected: 1 });
  await expect(again).rejects.toMatchObject({ status: 412, code: 'version_mismatch' });
  const risky = { description: 'x', constraints: { safety_level: 'low' } };
  expect((await colony.evaluate(risky)).verdict).toBe('require_approval');
  const { id } = await colony.submit(risky);
  const [open] = await colony.listVotes({ status: 'open' });
  expect(open).toMatchObject({ id, task_id: id });
  await colony.castBallot(id, { participant: 'operator', approve: false, reason: 'no' });
  expect(await colony.getVote(id)).toMatchObject({ status: 'denied', ballots: [{ reason: 'no' }] });
  expect(await colony.getTask(id)).toMatchObject({ status: 'rejected' });
  const other = await colony.openVote({ decision: 'Shall we?', participants: ['ann', 'bob'], threshold: 0.5 });
  expect((await colony.castBallot(other.id, { participant: 'bob', approve: true })).status).toBe('approved');
});
