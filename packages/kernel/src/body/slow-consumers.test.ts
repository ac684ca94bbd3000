/** invariant 15: a consumer that does not keep up costs the kernel nothing but patience, and little of that. */
import { expect, test, vi } from 'vitest';
import { atRest } from '../testing/sim-clock.ts';
import { range, Stage } from '../testing/watching.ts';

const KIB = 1024;

test('who takes nothing is handed a little, and no more', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  watcher.stuck = true;
  for (let n = 0; n < 70; n++) {
    stage.publish(100, { data: JSON.stringify({ text: 'x'.repeat(900) }) });
    await atRest();
  }
  expect(watcher.unsent).toBeLessThan(1024 * KIB);
  expect(watcher.ended).toBeNull();
});

test('when the network takes it, the rest follows without a gap', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  watcher.stuck = true;
  for (let n = 0; n < 70; n++) {
    stage.publish(100, { data: JSON.stringify({ text: 'x'.repeat(900) }) });
    await atRest();
  }
  await vi.waitFor(() => {
    watcher.drain();
    expect(watcher.ids).toEqual(range(1, 7000));
  });
});

test('a live consumer more than 10,000 events behind is cut off', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  stage.publish(1);
  await atRest();
  watcher.unsent = 1024 * KIB;
  stage.publish(10_000);
  await atRest();
  expect(watcher.ended).toBeNull();
  stage.publish(1);
  await atRest();
  expect(watcher.ended).toBe('slow');
  expect(stage.relay.subscribers).toBe(0);
  // And it can come back for what it missed.
  const again = await stage.watch({ since: 1 });
  await vi.waitFor(() => expect(again.ids).toEqual(range(2, 10_002)));
});

test('a live consumer more than 8 MiB behind is cut off, however few the events', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  stage.publish(1);
  await atRest();
  watcher.unsent = 1024 * KIB;
  const large = { data: JSON.stringify({ text: 'x'.repeat(100 * KIB) }) };
  stage.publish(80, large);
  await atRest();
  expect(watcher.ended).toBeNull();
  stage.publish(2, large);
  await atRest();
  expect(watcher.ended).toBe('slow');
});

test('who replays may be as far behind as it likes', async () => {
  const stage = new Stage(30_000);
  const watcher = await stage.watch({ since: 0 });
  await vi.waitFor(() => expect(watcher.ids).toHaveLength(30_000));
  expect(watcher.ended).toBeNull();
});

test('who takes nothing for half a minute is cut off, also while it replays', async () => {
  const stage = new Stage(30_000);
  const watcher = await stage.watch({ since: 0 });
  watcher.stuck = true;
  await vi.waitFor(() => expect(watcher.unsent).toBeGreaterThan(256 * KIB), { timeout: 5000 });
  await atRest();
  for (const steady of [1000, 15_000, 31_000]) stage.relay.check(steady);
  expect(watcher.ended).toBeNull();
  stage.relay.check(31_001);
  expect(watcher.ended).toBe('slow');
});

test('who takes a little now and then is not', async () => {
  const stage = new Stage(30_000);
  const watcher = await stage.watch({ since: 0 });
  watcher.stuck = true;
  for (let steady = 0; steady < 200_000; steady += 20_000) {
    await atRest();
    stage.relay.check(steady);
    watcher.drain();
  }
  expect(watcher.ended).toBeNull();
});

test('who has caught up in the meantime is not cut off for a stall of long ago', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  watcher.unsent = 1024 * KIB;
  stage.publish(10);
  await atRest();
  stage.relay.check(0);
  // The network took it, and the next events go out, though nobody said a word about it.
  watcher.unsent = 0;
  stage.publish(1);
  await atRest();
  expect(watcher.ids).toHaveLength(11);
  stage.relay.check(60_000);
  expect(watcher.ended).toBeNull();
});

test('who took everything and has nothing to wait for is not cut off either', async () => {
  const stage = new Stage();
  const watcher = await stage.watch({ types: ['task_completed'] });
  watcher.unsent = 1024 * KIB;
  stage.publish(10);
  await atRest();
  stage.relay.check(0);
  watcher.drain();
  for (const steady of [10_000, 60_000]) stage.relay.check(steady);
  expect(watcher.ended).toBeNull();
});

test('a slow consumer delays no other', async () => {
  const stage = new Stage();
  const [slow, quick] = [await stage.watch(), await stage.watch()];
  slow.unsent = 1024 * KIB;
  stage.publish(500);
  await atRest();
  expect([slow.ids.length, quick.ids.length]).toEqual([0, 500]);
});
