/** Time's deputy, on a clock that a hand moves. */
import { expect, test, vi } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import type { Retention } from '../core/store.ts';
import { after, before } from '../testing/meddling.ts';
import { Scribe } from '../testing/scribe.ts';
import { begin } from '../testing/swept-colony.ts';
import { noticesOf } from './notices.ts';

test('a delayed task is queued within 250 ms of its time, and not before', async () => {
  const setting = await begin();
  await setting.submit('later', { delay_seconds: 5 });
  await setting.advance(4999);
  expect(await setting.status('later')).toBe('pending');
  await setting.advance(251);
  expect(await setting.status('later')).toBe('queued');
});

test('a hint that something is due soon is taken, also when it comes in the middle of a rest', async () => {
  const setting = await begin();
  await setting.advance(1000);
  await setting.submit('soon', { delay_seconds: 0.03 });
  setting.sweeper.expect(30);
  await setting.advance(36);
  expect(await setting.status('soon')).toBe('queued');
});

test('an attempt over its timeout is ended, and its worker told', async () => {
  const setting = await begin();
  await setting.hire('maya');
  await setting.submit('long', { timeout_seconds: 2 });
  await setting.claim('maya');
  await setting.advance(1999);
  expect(await setting.status('long')).toBe('executing');
  await setting.advance(252);
  expect(await setting.status('long')).toBe('timeout');
  const notices = setting.pipeline.happened.flatMap(({ entries }) => entries.flatMap(noticesOf));
  expect(notices).toContainEqual({ kind: 'revoked', workerId: 'maya', taskId: 'long', reason: 'timeout' });
});

test('an attempt over its timeout comes back after its backoff when a retry is left', async () => {
  const setting = await begin();
  await setting.hire('maya');
  const retry_backoff = { type: 'fixed' as const, delay_seconds: 3, jitter: false };
  await setting.submit('long', { timeout_seconds: 1, max_retries: 1, retry_backoff });
  await setting.claim('maya');
  await setting.advance(1300);
  expect(await setting.status('long')).toBe('pending');
  await setting.advance(3300);
  expect(await setting.status('long')).toBe('queued');
});

test("invariant 7: a silent worker's tasks are back in the queue within a lease and two seconds", async () => {
  const setting = await begin();
  await setting.hire('maya');
  await setting.submit('held');
  await setting.claim('maya');
  await setting.advance(9999);
  expect(await setting.status('held')).toBe('executing');
  await setting.advance(2001);
  expect(await setting.status('held')).toBe('queued');
  expect((await setting.pipeline.store.worker('maya'))!.offline).toBe(true);
});

test('an open connection is a sign of life', async () => {
  const setting = await begin();
  await setting.hire('maya');
  await setting.submit('held');
  await setting.claim('maya');
  setting.present = ['maya'];
  await setting.advance(60_000);
  expect(await setting.status('held')).toBe('executing');
  setting.present = [];
  await setting.advance(12_000);
  expect(await setting.status('held')).toBe('queued');
});

test('invariant 14: a wall clock that jumps costs no worker its lease and ends no attempt', async () => {
  const setting = await begin({ workerRetentionMs: 86_400_000 });
  await setting.hire('maya');
  await setting.hire('lost');
  await setting.submit('held', { timeout_seconds: 100 });
  await setting.claim('maya');
  setting.present = ['maya'];
  await setting.advance(12_000);
  for (const jump of [7 * 86_400_000, -14 * 86_400_000]) {
    setting.pipeline.clock.jump(jump);
    await setting.advance(3000);
  }
  expect(await setting.status('held')).toBe('executing');
  const workers = await setting.pipeline.store.workers();
  expect(workers.map(({ id, offline }) => [id, offline]).sort()).toEqual([
    ['lost', true],
    ['maya', false],
  ]);
});

test('what has ended long ago is removed, and so is a worker that never came back', async () => {
  const setting = await begin({ taskRetentionMs: 5000, workerRetentionMs: 20_000 });
  await setting.hire('maya');
  await setting.submit('old');
  await setting.pipeline.run({ kind: 'cancel', actor: 'ann', taskId: 'old', cascade: false });
  await setting.submit('new');
  await setting.advance(4900);
  expect(await setting.status('old')).toBe('cancelled');
  await setting.advance(2000);
  expect([await setting.status('old'), await setting.status('new')]).toEqual([undefined, 'queued']);
  await setting.advance(10_000);
  expect(await setting.pipeline.store.workers()).toHaveLength(1);
  await setting.advance(6000);
  expect(await setting.pipeline.store.workers()).toEqual([]);
});

test('more than one piece of old work is removed as soon as possible', async () => {
  const setting = await begin({ taskRetentionMs: 5000 });
  await setting.submit('first');
  for (let n = 0; n < 700; n++) {
    void setting.submit(`t${n}`, { depends_on: ['first'] });
  }
  await setting.submit('last');
  await setting.pipeline.run({ kind: 'cancel', actor: 'ann', taskId: 'first', cascade: false });
  await setting.advance(8000);
  expect((await setting.pipeline.store.survey()).tasks).toMatchObject({ cancelled: 0, queued: 1 });
});

test('a thousand delays that end at once all end', async () => {
  const setting = await begin();
  await Promise.all(Array.from({ length: 1200 }, (_, n) => setting.submit(`t${n}`, { delay_seconds: 1 })));
  await setting.advance(1500);
  expect((await setting.pipeline.store.survey()).tasks).toMatchObject({ pending: 0, queued: 1200 });
});

test('invariant 16: while the store is broken nothing is swept, and it is tried once a second', async () => {
  const setting = await begin();
  await setting.submit('later', { delay_seconds: 1 });
  setting.broken = true;
  const probe = vi.spyOn(setting.pipeline.store, 'probe').mockRejectedValue(new StorageUnavailable('still full'));
  await setting.advance(5000);
  expect(probe.mock.calls.length).toBeGreaterThanOrEqual(4);
  expect(probe.mock.calls.length).toBeLessThanOrEqual(6);
  expect(await setting.status('later')).toBe('pending');
  probe.mockResolvedValue(undefined);
  await setting.advance(1500);
  expect(setting.repairs).toBe(1);
  expect(await setting.status('later')).toBe('queued');
});

test('a sweep that fails is reported, and the next one comes all the same', async () => {
  const setting = await begin();
  await setting.submit('later', { delay_seconds: 1 });
  vi.spyOn(setting.pipeline.store, 'due').mockRejectedValueOnce(new StorageUnavailable('hiccup'));
  await setting.advance(1500);
  expect(setting.faults.splice(0)).toMatchObject([{ message: 'hiccup' }]);
  expect(await setting.status('later')).toBe('queued');
});

test('after it was stopped it does nothing more', async () => {
  const setting = await begin();
  await setting.submit('later', { delay_seconds: 1 });
  await setting.sweeper.stop();
  setting.sweeper.expect(1);
  await setting.advance(5000);
  expect(await setting.status('later')).toBe('pending');
});

test('nothing goes when another kernel has made a checkpoint since that was decided; it goes the next time', async () => {
  const setting = await begin({ taskRetentionMs: 1000 });
  const { store, clock } = setting.pipeline;
  await setting.submit('old');
  await setting.pipeline.run({ kind: 'cancel', actor: 'ann', taskId: 'old', cascade: false });
  const ended = clock.now().wall;
  const found: boolean[] = [];
  const fits = ({ endedBefore }: Retention) => endedBefore! > ended;
  after(store, 'prune', async () => found.push((await store.task('old')) !== null), fits);
  before(store, 'prune', () => new Scribe(store).save({ number: ended, rolling: false }), fits);
  await setting.advance(2100);
  expect(found).toEqual([true]);
  await setting.advance(2000);
  expect(await setting.status('old')).toBeUndefined();
});
