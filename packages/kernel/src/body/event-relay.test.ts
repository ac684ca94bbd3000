/** invariant 12: the stream is the ledger: in order, no gap, no repeat, wherever one begins. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Refusal } from '../core/errors.ts';
import { atRest } from '../testing/sim-clock.ts';
import { range, Stage, type Watcher } from '../testing/watching.ts';

test('without a position one sees what happens from now on', async () => {
  const stage = new Stage(3);
  const watcher = await stage.watch();
  stage.publish(2);
  await atRest();
  expect(watcher.ids).toEqual([4, 5]);
});

test('from position 0 one sees everything, then what happens', async () => {
  const stage = new Stage(1200);
  const watcher = await stage.watch({ since: 0 });
  stage.publish(3);
  await vi.waitFor(() => expect(watcher.ids).toEqual(range(1, 1203)));
  stage.publish(1);
  await vi.waitFor(() => expect(watcher.ids.at(-1)).toBe(1204));
});

test('a position in the middle begins behind it, and the head is a position', async () => {
  const stage = new Stage(10);
  const [middle, head] = [await stage.watch({ since: 7 }), await stage.watch({ since: 10 })];
  await vi.waitFor(() => expect(middle.ids).toEqual([8, 9, 10]));
  stage.publish(1);
  await vi.waitFor(() => expect(head.ids).toEqual([11]));
  expect(middle.ids).toEqual([8, 9, 10, 11]);
});

test('wherever one begins and whatever is written meanwhile, there is no gap and no repeat', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 700 }) }),
    fc.record({ kind: fc.constant('lose' as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('watch' as const), since: fc.option(fc.nat()) }),
    fc.constant({ kind: 'rest' as const }),
    fc.constant({ kind: 'catchUp' as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(2000), fc.array(step, { maxLength: 12, size: 'max' }), async (before, steps) => {
      const stage = new Stage(before);
      const watchers: { watcher: Watcher; from: number | null }[] = [];
      for (const one of steps) {
        const head = stage.entries.length;
        if (one.kind === 'publish') stage.publish(one.count);
        // Committed, and the answer got lost: nobody publishes these.
        else if (one.kind === 'lose') stage.write(one.count);
        else if (one.kind === 'catchUp') await stage.relay.catchUp();
        else if (one.kind === 'rest') await atRest();
        else {
          const since = one.since === null ? null : one.since % (head + 1);
          watchers.push({ watcher: await stage.watch({ since }), from: since });
        }
      }
      await stage.relay.catchUp();
      const head = stage.entries.length;
      await vi.waitFor(() => {
        for (const { watcher, from } of watchers) if (from !== null) expect(watcher.ids).toEqual(range(from + 1, head));
      });
      await atRest();
      for (const { watcher } of watchers) {
        const ids = watcher.ids as number[];
        if (ids.length > 0) expect(ids).toEqual(range(ids[0]!, head));
      }
      stage.relay.stop();
    }),
    { numRuns: 60 },
  );
});

test('events that were never published are delivered all the same, in their place', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  stage.publish(2);
  stage.write(3);
  stage.publish(2);
  await vi.waitFor(() => expect(watcher.ids).toEqual(range(1, 7)));
  stage.write(1);
  await stage.relay.catchUp();
  await vi.waitFor(() => expect(watcher.ids).toEqual(range(1, 8)));
});

test('a batch that is published late, or twice, is not repeated', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  const late = stage.write(3);
  await stage.relay.catchUp();
  stage.bus.publish(late);
  stage.bus.publish(late);
  await vi.waitFor(() => expect(watcher.ids).toEqual([1, 2, 3]));
  stage.publish(1);
  await vi.waitFor(() => expect(watcher.ids).toEqual([1, 2, 3, 4]));
});

test('who is live never makes the relay read the ledger', async () => {
  const stage = new Stage(5000);
  const watcher = await stage.watch();
  for (let n = 0; n < 20; n++) {
    stage.publish(100);
    await atRest();
  }
  expect(watcher.ids).toHaveLength(2000);
  expect(stage.reads).toBe(0);
});

test.each([
  ['beyond the head', 11],
  ['before what is kept', 3],
  ['negative', -1],
])('a position %s is refused as gone, with what is kept', async (_, since) => {
  const stage = new Stage(10);
  stage.first = 5;
  const refusal = await stage.relay.subscribe({ since, types: null, taskId: null }, await stage.watch());
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ code: 'position_gone', status: 410, detail: expect.stringContaining('4..10') });
  expect(stage.relay.subscribers).toBe(1);
});

test('the last position before what is kept is still good', async () => {
  const stage = new Stage(10);
  stage.first = 5;
  const watcher = await stage.watch({ since: 4 });
  await vi.waitFor(() => expect(watcher.ids).toEqual(range(5, 10)));
});

test('who is overtaken by retention is cut off, rather than given a gap', async () => {
  const stage = new Stage(2000);
  const watcher = await stage.watch({ since: 0 });
  watcher.unsent = 1e9;
  await atRest();
  stage.first = 1500;
  watcher.drain();
  await vi.waitFor(() => expect(watcher.ended).toBe('slow'));
  expect(watcher.ids).toEqual(range(1, watcher.ids.length));
});

test('when the ledger cannot be read, the stream ends and can be taken up again', async () => {
  const stage = new Stage(10);
  stage.broken = true;
  const watcher = await stage.watch({ since: 0 });
  await vi.waitFor(() => expect(watcher.ended).toBe('stopping'));
  stage.broken = false;
  const again = await stage.watch({ since: 0 });
  await vi.waitFor(() => expect(again.ids).toEqual(range(1, 10)));
});

test('what should never happen is reported, and ends that stream alone, which can be taken up again', async () => {
  const stage = new Stage(10);
  const live = await stage.watch();
  stage.damaged = true;
  const watcher = await stage.watch({ since: 0 });
  await vi.waitFor(() => expect(watcher.ended).toBe('stopping'));
  expect(stage.faults).toMatchObject([{ message: 'this is no entry' }]);
  stage.damaged = false;
  const again = await stage.watch({ since: 0 });
  await vi.waitFor(() => expect(again.ids).toEqual(range(1, 10)));
  stage.publish(1);
  await vi.waitFor(() => expect(live.ids).toEqual([11]));
});

test('of a row that reaches from what is known into what is new, the new is passed on', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  const row = stage.write(3);
  stage.bus.publish(row.slice(0, 2));
  stage.bus.publish(row);
  await vi.waitFor(() => expect(watcher.ids).toEqual([1, 2, 3]));
  expect(stage.reads).toBe(0);
});

test('who has closed gets nothing more, and who remains is told when the relay stops', async () => {
  const stage = new Stage();
  const [gone, stays] = [await stage.watch(), await stage.watch()];
  gone.subscription.close();
  stage.publish(1);
  await atRest();
  expect([gone.ids, stays.ids]).toEqual([[], [1]]);
  stage.relay.stop();
  expect([gone.ended, stays.ended]).toEqual([null, 'stopping']);
  expect(stage.relay.subscribers).toBe(0);
});
