import { expect, test } from 'vitest';
import type { Worker } from '../../core/worker.ts';
import { after, aWorker, DAWN } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const FULL: Partial<Worker> = {
  profile: {
    name: 'Blümchen 🐝',
    capabilities: [
      { name: 'resize', category: 'image', supported_languages: ['en'], max_complexity: 3 },
      { name: 'ocr', category: null, max_complexity: 'high' },
    ],
    attributes: { cpu: 'high', regions: ['eu', 'us'], nested: { deep: [1, null, true] } },
    maxConcurrentTasks: 7,
  },
  holds: ['task-9', 'task-1'],
  offline: true,
  draining: true,
  lastHeartbeat: DAWN + 5,
  completed: 3,
  failed: 2,
  busyMs: 123_456,
  recent: '0110',
  quarantine: { until: 5, onTrial: true, times: 2 },
};

/** Worker records: few, often read, replaced as a whole. */
export function workers(driver: Driver): void {
  test('a worker comes back as it went in, what it holds in order', async () => {
    const { store } = await openFor(driver).then(async (scribe) => {
      await scribe.addWorker(FULL);
      return scribe;
    });
    expect(await store.worker('bee-1')).toEqual(aWorker(FULL));
    expect((await store.load({ workers: ['bee-1'] })).workers.get('bee-1')).toEqual(aWorker(FULL));
  });

  test('all are listed, the changed ones as they are now, the removed ones not', async () => {
    const scribe = await openFor(driver);
    const [one, two, three] = [
      await scribe.addWorker({ id: 'one' }),
      await scribe.addWorker({ id: 'two' }),
      await scribe.addWorker({ id: 'three' }),
    ];
    const changed = after(two, { holds: ['task-1'], completed: 1 });
    await scribe.commit(
      { puts: [{ kind: 'worker', prev: two, next: changed }], events: [] },
      { puts: [{ kind: 'worker', prev: three, next: null }], events: [] },
    );
    const listed = await scribe.store.workers();
    expect([...listed].sort((a, b) => a.id.localeCompare(b.id))).toEqual([one, changed]);
    expect(await scribe.store.worker('three')).toBeNull();
  });

  test('one that is registered and removed in a breath leaves nothing', async () => {
    const scribe = await openFor(driver);
    const worker = aWorker();
    await scribe.commit(
      { puts: [{ kind: 'worker', prev: null, next: worker }], events: [] },
      { puts: [{ kind: 'worker', prev: worker, next: null }], events: [] },
    );
    expect(await scribe.store.workers()).toEqual([]);
  });
}
