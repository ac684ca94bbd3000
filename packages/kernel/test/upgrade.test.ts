import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { type JsonValue, startColony } from './api/harness.ts';

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));

const VERSIONS = readdirSync(FIXTURES).flatMap((name) => Number(/^schema-(\d+)\.db$/.exec(name)?.[1] ?? []));

/** A copy of that version's database, for one test. */
function copyOf(version: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'colony-upgrade-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  copyFileSync(join(FIXTURES, `schema-${version}.db`), join(folder, 'colony.db'));
  return join(folder, 'colony.db');
}

/** Every schema that was ever released, as `scripts/make-fixture.ts` of its day left it behind. */
describe.each(VERSIONS)('a database of schema %i', (version) => {
  it('opens, with everything that was in it', async () => {
    const store = await SqliteStore.open({ path: copyOf(version) });
    try {
      const { items } = await store.tasks({ limit: 100, maxBytes: Number.POSITIVE_INFINITY });
      const byDescription = new Map(items.map((task) => [task.spec.value.description, task]));
      expect(byDescription.get('completed')).toMatchObject({ status: 'completed', result: '{"answer":42}' });
      expect(byDescription.get('completed')?.spec.value.payload).toEqual({ text: 'grüße \u0000 \u{1F41D}' });
      expect(byDescription.get('failed')).toMatchObject({ status: 'failed', error: 'no', errorTrace: 'at line 1' });
      expect(byDescription.get('timeout')).toMatchObject({ status: 'timeout' });
      expect(byDescription.get('retrying')).toMatchObject({ status: 'executing', retryCount: 1, attempt: 2 });
      expect(byDescription.get('waits for its time')).toMatchObject({ status: 'pending', pendingReason: 'scheduled' });
      expect(byDescription.get('depends')).toMatchObject({
        status: 'pending',
        pendingReason: 'dependencies',
        unmet: 1,
      });
      expect(byDescription.get('held by a worker')).toMatchObject({ status: 'queued' });
      expect(byDescription.get('child')).toMatchObject({ status: 'queued', depth: 1 });
      expect(byDescription.get('cancelled')).toMatchObject({ status: 'cancelled' });
      const workers = new Map((await store.workers()).map((worker) => [worker.profile.name, worker]));
      expect(workers.get('lost')).toMatchObject({ offline: true, draining: false });
      expect(workers.get('steady')).toMatchObject({ offline: false, draining: true });
      expect(workers.get('steady')?.holds).toEqual([byDescription.get('retrying')?.id]);
      expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: (await store.ledger.span()).last });
      const { idempotency } = await store.load({ idempotency: ['a key'] });
      expect(idempotency.get('a key')?.taskIds).toEqual([byDescription.get('completed')?.id]);
      const history = await store.ledger.query({ taskId: byDescription.get('completed')!.id, limit: 10 });
      expect(history.map(({ type }) => type)).toEqual([
        'task_validated',
        'task_submitted',
        'task_assigned',
        'task_completed',
      ]);
    } finally {
      await store.close();
    }
  });
});

/** Since schema 5 there are votes, policies, quarantine and checkpoints. */
describe.each(VERSIONS.filter((version) => version >= 5))('a database of schema %i', (version) => {
  it('goes on with what the guardian has in it', async () => {
    const path = copyOf(version);
    // What is in it is old, and stays.
    const env = { COLONY_RETENTION_SECONDS: '0', COLONY_WORKER_RETENTION_SECONDS: '3000000000' };
    const colony = await startColony({ COLONY_MEMORY_CONNECTION_STRING: path, ...env });
    const tasks = async () => {
      const listed = (await colony.call('GET /tasks?limit=100')).json;
      return new Map(listed.map((task: { description: string }) => [task.description, task])) as Map<string, JsonValue>;
    };
    const workers = (await colony.call('GET /workers')).json;
    const kept = workers.filter((worker: { quarantine: unknown }) => worker.quarantine !== null);
    expect(kept.map(({ name }: { name: string }) => name)).toEqual(['drifting']);
    expect((await colony.call('GET /guardian/policy')).json).toMatchObject({ version: 2, rules: [{ id: 'risky' }] });
    expect((await colony.call('GET /votes/decided')).json).toMatchObject({ status: 'approved' });

    const risky = (await tasks()).get('risky business');
    expect(risky).toMatchObject({ status: 'pending', pending_reason: 'approval' });
    const ballot = { participant: 'operator', approve: true };
    expect((await colony.call(`POST /votes/${risky.id}/ballots`, ballot)).status).toBe(200);
    expect((await tasks()).get('risky business')).toMatchObject({ status: 'queued' });

    const [checkpoint] = (await colony.call('GET /system/checkpoints')).json;
    expect(checkpoint).toMatchObject({ label: 'before' });
    expect((await colony.call(`POST /system/rollback/${checkpoint.checkpoint_id}`)).status).toBe(200);
    const after = await tasks();
    expect(after.get('changes after the checkpoint')).toMatchObject({ status: 'queued' });
    expect(after.has('comes after the checkpoint')).toBe(false);
    expect(after.get('risky business')).toMatchObject({ status: 'pending', pending_reason: 'approval' });
    expect((await colony.call('GET /votes/a-question')).json).toMatchObject({ status: 'open', ballots: [] });
    expect((await colony.call('GET /system/audit/verify')).json).toMatchObject({ valid: true });
  });
});

/** Since schema 7 there are plans, schedules and memory in them. */
describe.each(VERSIONS.filter((version) => version >= 7))('a database of schema %i', (version) => {
  it('goes on with its plans and schedules, and finds what was remembered, also after a rollback', async () => {
    const env = { COLONY_RETENTION_SECONDS: '0', COLONY_WORKER_RETENTION_SECONDS: '3000000000' };
    const colony = await startColony({ COLONY_MEMORY_CONNECTION_STRING: copyOf(version), ...env });
    expect((await colony.call('GET /plans/plan')).json).toMatchObject({ status: 'running', goal: 'goal of plan' });
    expect((await colony.call('GET /schedules/nightly')).json).toMatchObject({
      paused: true,
      timezone: 'Europe/Berlin',
    });

    const found = async (query: JsonValue) => {
      const { matches } = (await colony.call('POST /memory/notes/search', query)).json;
      return matches.map(({ key, value }: { key: string; value: JsonValue }) => [key, value]);
    };
    expect(await found({ text: 'money', mode: 'text' })).toEqual([['refunds', 'who wants the money back']]);
    expect(await found({ vector: [0, 1], top_k: 1, mode: 'vector' })).toEqual([['changed', 'after the checkpoint']]);
    const [checkpoint] = (await colony.call('GET /system/checkpoints')).json;
    expect((await colony.call(`POST /system/rollback/${checkpoint.checkpoint_id}`)).status).toBe(200);
    expect(await found({ vector: [0, 1], top_k: 1, mode: 'vector' })).toEqual([['changed', 'before the checkpoint']]);
    expect(await found({ text: 'checkpoint', mode: 'text' })).toEqual([['changed', 'before the checkpoint']]);
  });
});
