import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SqliteStore } from '../src/store/sqlite/store.ts';

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url));

/** Every schema that was ever released, as `scripts/make-fixture.ts` of its day left it behind. */
describe.each(readdirSync(FIXTURES).filter((name) => name.endsWith('.db')))('a database of %s', (name) => {
  it('opens, with everything that was in it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'colony-upgrade-'));
    copyFileSync(join(FIXTURES, name), join(folder, 'colony.db'));
    const store = await SqliteStore.open({ path: join(folder, 'colony.db') });
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
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
