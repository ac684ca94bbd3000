/** Tasks that the guardian judges, and those that wait for a vote. Invariants 8 and 9. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { TaskInput } from '../core/task.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { Hive } from '../testing/hive.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { RULES } from '../testing/rules.ts';
import { temporaryPath } from '../testing/temporary-path.ts';

const CRITICAL: Partial<TaskInput> = { constraints: { safety_level: 'critical' } };
const FORBIDDEN: Partial<TaskInput> = { payload: { run: 'rm -rf /' } };

async function begin(guardian: Partial<typeof RULES.guardian> = {}): Promise<Hive> {
  const hive = await Hive.begin({ guardian: { ...RULES.guardian, ...guardian } });
  await hive.hire('maya', 5);
  return hive;
}

function ballot(hive: Hive, voteId: string, approve: boolean, participant = 'operator', reason: string | null = null) {
  return hive.do({ kind: 'cast_ballot', actor: participant, voteId, participant, approve, reason });
}

test('what the policy forbids is rejected at once, says why, and is never assigned', async () => {
  const hive = await begin();
  const task = await hive.submit('bad', FORBIDDEN);
  expect(task).toMatchObject({ status: 'rejected', completedAt: expect.any(Number) });
  expect(task.error).toMatch(/^destructive-commands: /);
  expect(await hive.history('bad')).toEqual(['task_submitted', 'task_rejected policy']);
  expect(await hive.claim('maya')).toEqual([]);
});

test('what is critical waits for a vote, and is queued in the commit that approves it', async () => {
  const hive = await begin();
  const task = await hive.submit('risky', CRITICAL);
  expect(task).toMatchObject({ status: 'pending', pendingReason: 'approval', vote: 'risky' });
  expect(await hive.claim('maya')).toEqual([]);
  const { vote } = await ballot(hive, 'risky', true);
  expect(vote).toMatchObject({ status: 'approved', taskId: 'risky' });
  expect(await hive.history('risky')).toEqual([
    ...['task_validated', 'task_submitted', 'vote_opened', 'vote_cast', 'vote_closed', 'task_queued'],
  ]);
  expect(await hive.claim('maya')).toHaveLength(1);
});

test('denied it is rejected, with the reasons that were given, and what depends on it falls', async () => {
  const hive = await begin({ participants: ['ann', 'bob'], threshold: 1 });
  await hive.submit('risky', CRITICAL);
  await hive.submit('after', { depends_on: ['risky'] });
  await ballot(hive, 'risky', false, 'bob', 'too hot');
  expect(await hive.task('risky')).toMatchObject({ status: 'rejected', error: 'vote_denied (risky); bob: too hot' });
  expect(await hive.task('after')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
});

test('with nobody deciding in time it is rejected', async () => {
  const hive = await begin();
  await hive.submit('risky', CRITICAL);
  const expire = () => hive.do({ kind: 'expire_vote', actor: 'kernel', voteId: 'risky' });
  await expire();
  expect(await hive.task('risky')).toMatchObject({ status: 'pending' });
  await hive.pipeline.clock.advance(RULES.guardian.voteExpiresMs);
  expect(
    await hive.refused({
      kind: 'cast_ballot',
      actor: 'operator',
      voteId: 'risky',
      participant: 'operator',
      approve: true,
      reason: null,
    }),
  ).toBe('invalid_transition');
  await expire();
  expect(await hive.task('risky')).toMatchObject({ status: 'rejected', error: 'vote_expired (risky)' });
});

test('approved it still waits for what else it has to wait for', async () => {
  const hive = await begin();
  await hive.submit('first');
  await hive.submit('risky', { ...CRITICAL, depends_on: ['first'], delay_seconds: 5 });
  await ballot(hive, 'risky', true);
  expect(await hive.task('risky')).toMatchObject({ status: 'pending', pendingReason: 'dependencies', unmet: 1 });
  await hive.complete(await hive.take('maya'));
  expect(await hive.task('risky')).toMatchObject({ status: 'pending', pendingReason: 'scheduled', unmet: 0 });
});

test('dependencies that complete meanwhile do not let it pass the vote', async () => {
  const hive = await begin();
  await hive.submit('first');
  await hive.submit('risky', { ...CRITICAL, depends_on: ['first'] });
  await hive.complete(await hive.take('maya'));
  expect(await hive.task('risky')).toMatchObject({ status: 'pending', pendingReason: 'approval', unmet: 0 });
  await ballot(hive, 'risky', true);
  expect(await hive.task('risky')).toMatchObject({ status: 'queued' });
});

test('its vote ends with it: cancelled, or fallen with what it depends on', async () => {
  const hive = await begin();
  await hive.submit('first');
  await hive.submit('risky', { ...CRITICAL, depends_on: ['first'] });
  await hive.submit('other', CRITICAL);
  await hive.cancel('other');
  await hive.cancel('first');
  for (const id of ['risky', 'other']) {
    expect(await hive.task(id)).toMatchObject({ status: 'cancelled' });
    expect(await hive.pipeline.store.document('vote', id)).toMatchObject({ state: 'cancelled', dueAt: null });
  }
});

test('run again by hand it is judged again, by another vote', async () => {
  const hive = await begin();
  await hive.submit('risky', CRITICAL);
  await hive.cancel('risky');
  expect((await hive.retry('risky')).task).toMatchObject({ status: 'pending', vote: 'risky.2' });
  await ballot(hive, 'risky.2', true);
  expect(await hive.task('risky')).toMatchObject({ status: 'queued' });
});

test('a policy is judged by from the next task on; what it forbids now is not run again either', async () => {
  const hive = await begin();
  const task = await hive.submit('fine', { tags: ['odd'] });
  await hive.cancel(task.id);
  const rules = [{ id: 'no-odd', type: 'requirement', action: 'reject', deny_tags: ['odd'] }];
  const { policy } = await hive.do({ kind: 'set_policy', actor: 'ann', policy: { rules }, expected: 1 });
  expect(policy.version).toBe(2);
  expect(await hive.submit('next', { tags: ['odd'] })).toMatchObject({ status: 'rejected' });
  expect((await hive.retry('fine')).task).toMatchObject({ status: 'rejected' });
  expect(await hive.submit('harmless', FORBIDDEN)).toMatchObject({ status: 'queued' });
  const wrong = { kind: 'set_policy', actor: 'ann', policy: { rules }, expected: 1 } as const;
  expect(await hive.refused(wrong)).toBe('version_mismatch');
  expect(await hive.refused({ ...wrong, expected: null, policy: { rules: [{}] } })).toBe('validation_failed');
});

test('a rule that warns lets the task pass, and says so in the ledger', async () => {
  const hive = await begin();
  const rules = [{ id: 'odd', type: 'requirement', action: 'warn', deny_tags: ['odd'] }];
  await hive.do({ kind: 'set_policy', actor: 'ann', policy: { rules }, expected: null });
  expect(await hive.submit('next', { tags: ['odd'] })).toMatchObject({ status: 'queued' });
  const [entry] = await hive.pipeline.store.ledger.query({ taskId: 'next', limit: 1, since: 0 });
  expect(JSON.parse(entry!.data)).toMatchObject({ verdict: 'approve', violations: [expect.stringMatching(/^odd: /)] });
});

test('over a rate limit nothing is stored; another submitter, and later times, are not concerned', async () => {
  const hive = await begin();
  const rules = [{ id: 'slow', type: 'rate_limit', action: 'reject', per_second: 1, burst: 2 }];
  await hive.do({ kind: 'set_policy', actor: 'ann', policy: { rules }, expected: null });
  await hive.submit('a');
  await hive.submit('b');
  await expect(hive.submit('c')).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 });
  expect(await hive.pipeline.store.task('c')).toBeNull();
  await hive.submit('d', { created_by: 'bob' });
  await hive.pipeline.clock.advance(1000);
  await hive.submit('c');
});

test('invariant 9: with tokens on, nobody may vote on a task of their own', async () => {
  for (const isAuthenticated of [true, false]) {
    const hive = await begin({ participants: ['ann', 'bob'], threshold: 0.5, isAuthenticated });
    await hive.submit('risky', { ...CRITICAL, created_by: 'ann' });
    const own = {
      kind: 'cast_ballot',
      actor: 'ann',
      voteId: 'risky',
      participant: 'ann',
      approve: true,
      reason: null,
    } as const;
    expect(await hive.refused(own)).toBe(isAuthenticated ? 'forbidden' : null);
  }
});

test('a vote approves what it was opened on, and nothing that somebody has put in its place', async () => {
  const path = temporaryPath('colony.db');
  const open = async () => new Hive(new Pipeline(await SqliteStore.open({ path })));
  const before = await open();
  await before.submit('risky', CRITICAL);
  await before.pipeline.store.close();
  const db = new Database(path);
  db.exec(`UPDATE specs SET json = replace(json, '"risky"', '"riskier"')`);
  db.close();
  const hive = await open();
  await ballot(hive, 'risky', true);
  expect(await hive.task('risky')).toMatchObject({ status: 'rejected', error: 'content_changed (risky)' });
  await hive.pipeline.store.close();
});
