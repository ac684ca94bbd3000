/** The beat of one kernel among its fellows, on a clock that a hand moves. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import { Fellowship } from '../testing/fellowship.ts';
import { atRest, SimClock } from '../testing/sim-clock.ts';
import { begin as beginSwept } from '../testing/swept-colony.ts';
import { Stage } from '../testing/watching.ts';
import { Presence } from './presence.ts';
import { Pulse } from './pulse.ts';

const LEASE_MS = 1000;

function begin({ alone = false } = {}) {
  const clock = new SimClock();
  const fellows = new Fellowship(clock);
  const presence = new Presence(LEASE_MS);
  const stage = new Stage();
  const setting = { broken: false, present: [] as string[], faults: [] as unknown[] };
  const told = { onDue: vi.fn(), onLoss: vi.fn(async (_: number) => {}), onRestart: vi.fn(async () => {}) };
  const pulse = new Pulse({
    ...{ clock, presence, relay: stage.relay, leaseMs: LEASE_MS, fellows: alone ? null : fellows, ...told },
    present: () => setting.present,
    isBroken: () => setting.broken,
    onFault: (error) => setting.faults.push(error),
  });
  pulse.start();
  onTestFinished(async () => {
    fellows.takesMs = 0;
    const stopped = pulse.stop();
    await clock.advance(10_000);
    await stopped;
  });
  const follow = (...ids: string[]) => {
    for (const id of ids) presence.follow(id, false, clock.now());
  };
  return Object.assign(setting, { clock, fellows, presence, stage, pulse, follow, ...told });
}

test('it beats four times a second', async () => {
  const { clock, fellows } = begin();
  await clock.advance(2010);
  expect(fellows.beats).toHaveLength(9);
});

test('a beat that takes long is not overtaken by the next one, which follows at once', async () => {
  const { clock, fellows } = begin();
  fellows.takesMs = 600;
  await clock.advance(3100);
  expect(fellows.beats.length).toBeGreaterThanOrEqual(5);
  expect(fellows.mostAtOnce).toBe(1);
});

test('a sweep that takes long keeps its kernel from nothing but sweeping', async () => {
  let fellows!: Fellowship;
  const colony = await beginSwept({ taskRetentionMs: 1 }, {}, (clock) => (fellows = new Fellowship(clock)));
  const slow = vi.spyOn(colony.pipeline.store, 'prune');
  slow.mockImplementation(() => new Promise((resolve) => colony.pipeline.clock.timer(5000, () => resolve(0))));
  await colony.advance(4000);
  expect(slow).toHaveBeenCalledTimes(1);
  expect(fellows.beats.length).toBeGreaterThanOrEqual(15);
  await colony.advance(2000);
});

test('who was heard of is told of once', async () => {
  const { clock, fellows, presence, follow } = begin();
  follow('maya', 'willi', 'flip');
  presence.touch('maya', clock.now());
  await clock.advance(10);
  presence.touch('willi', clock.now());
  await clock.advance(250);
  expect(fellows.beats).toEqual([['maya'], ['willi']]);
});

test('who is there without a word is told with each beat', async () => {
  const it = begin();
  it.follow('maya');
  it.present.push('maya');
  await it.clock.advance(260);
  expect(it.fellows.beats).toEqual([['maya'], ['maya']]);
});

test('who is heard of again while a beat is under way is told with the next one, too', async () => {
  const { clock, fellows, presence, follow } = begin();
  fellows.takesMs = 400;
  follow('maya');
  presence.touch('maya', clock.now());
  await clock.advance(300);
  presence.touch('maya', clock.now());
  await clock.advance(300);
  expect(fellows.beats).toEqual([['maya'], ['maya']]);
});

test('who could not be told of is told of again, unless it has left', async () => {
  const it = begin();
  it.fellows.fault = new StorageUnavailable('gone');
  it.follow('maya', 'willi');
  for (const id of ['maya', 'willi']) it.presence.touch(id, it.clock.now());
  await it.clock.advance(10);
  it.presence.forget('willi');
  it.fellows.fault = null;
  await it.clock.advance(250);
  expect(it.fellows.beats).toEqual([['maya', 'willi'], ['maya']]);
  expect(it.faults).toMatchObject([{ message: 'gone' }]);
});

test('who was silent is named once for each beat, and to the steward only', async () => {
  const it = begin();
  expect(it.pulse.takeSilent()).toBeNull();
  it.fellows.answer = { silent: ['maya'] };
  await it.clock.advance(10);
  expect(it.onDue).toHaveBeenCalledTimes(1);
  expect([it.pulse.takeSilent(), it.pulse.takeSilent()]).toEqual([['maya'], []]);
  await it.clock.advance(250);
  expect(it.pulse.takeSilent()).toEqual(['maya']);
  it.fellows.answer = { isSteward: false };
  await it.clock.advance(250);
  expect(it.pulse.takeSilent()).toBeNull();
});

test('who makes itself heard here after the beat that missed it is not silent', async () => {
  const it = begin();
  it.follow('maya', 'willi');
  it.fellows.answer = { silent: ['maya', 'willi'] };
  await it.clock.advance(10);
  it.presence.touch('maya', it.clock.now());
  expect(it.pulse.takeSilent()).toEqual(['willi']);
});

test('without fellows who is silent is known here', async () => {
  const it = begin({ alone: true });
  it.follow('maya', 'willi');
  it.present.push('maya');
  await it.clock.advance(LEASE_MS);
  expect(it.pulse.takeSilent()).toEqual(['willi']);
  expect(it.pulse.problem).toBeNull();
});

test('invariant 16: while the store is broken nothing beats, and nobody knows who the steward is', async () => {
  const it = begin();
  await it.clock.advance(10);
  it.broken = true;
  await it.clock.advance(2000);
  expect(it.fellows.beats).toHaveLength(1);
  expect(it.pulse.takeSilent()).toBeNull();
  it.broken = false;
  await it.clock.advance(260);
  expect(it.pulse.takeSilent()).toEqual([]);
});

test('a store that does not answer is noticed long before it is given up', async () => {
  const it = begin();
  await it.clock.advance(300);
  expect(it.pulse.problem).toBeNull();
  it.fellows.takesMs = 2000;
  await it.clock.advance(800);
  expect(it.pulse.problem).toMatch(/has not answered/);
  it.fellows.takesMs = 0;
  await it.clock.advance(2000);
  expect(it.pulse.problem).toBeNull();
});

test('an answer that had to wait because this very process was held up is in time', async () => {
  const it = begin();
  // It is read right after the timers that were due meanwhile.
  it.fellows.takesMs = 503;
  const found = new Set<string | null>();
  for (let ms = 0; ms < 2000; ms++) {
    await it.clock.advance(1);
    found.add(it.pulse.problem);
  }
  expect(it.fellows.beats.length).toBeGreaterThan(2);
  expect([...found]).toEqual([null]);
});

test('what is said to be lost is put right once at a time, until it is; beats go on', async () => {
  const it = begin();
  let finish: (error?: Error) => void = () => {};
  it.onLoss.mockImplementation(
    () => new Promise((resolve, reject) => (finish = (error) => (error ? reject(error) : resolve()))),
  );
  it.fellows.answer = { lostUpTo: 70 };
  await it.clock.advance(10);
  it.fellows.answer = {};
  await it.clock.advance(1000);
  expect(it.fellows.beats).toHaveLength(5);
  finish(new StorageUnavailable('not now'));
  await it.clock.advance(500);
  finish();
  await it.clock.advance(1000);
  expect(it.onLoss.mock.calls).toEqual([[70], [70]]);
  expect(it.faults.splice(0)).toMatchObject([{ message: 'not now' }]);
});

test('what was seen here and is gone is lost, whoever it was acknowledged to', async () => {
  const it = begin();
  it.stage.publish(9);
  it.fellows.answer = { last: 9 };
  await it.clock.advance(300);
  expect(it.onLoss).not.toHaveBeenCalled();
  it.fellows.answer = { last: 4, lostUpTo: 7 };
  it.onLoss.mockImplementation(async () => {
    it.fellows.answer = { last: 10 };
  });
  await it.clock.advance(1000);
  expect(it.onLoss.mock.calls).toEqual([[9]]);
  expect(it.onRestart).not.toHaveBeenCalled();
});

test('when the store is another one all is looked at anew, although nothing is known to be lost', async () => {
  const it = begin();
  it.fellows.answer = { restarted: true };
  it.onRestart.mockRejectedValueOnce(new StorageUnavailable('not now'));
  await it.clock.advance(10);
  it.fellows.answer = {};
  await it.clock.advance(1000);
  expect(it.onRestart).toHaveBeenCalledTimes(2);
  expect(it.onLoss).not.toHaveBeenCalled();
});

test('what the bus has not brought by the next beat is fetched', async () => {
  const it = begin();
  const watcher = await it.stage.watch();
  it.stage.write(3);
  it.fellows.answer = { last: 3 };
  await it.clock.advance(10);
  expect(watcher.ids).toEqual([]);
  await it.clock.advance(260);
  await atRest();
  expect(watcher.ids).toEqual([1, 2, 3]);
});

test('when it stops it gives up its office, after the beat that is under way', async () => {
  const it = begin();
  it.fellows.takesMs = 300;
  await it.clock.advance(100);
  const stopped = it.pulse.stop();
  await atRest();
  expect(it.fellows.left).toBe(false);
  await it.clock.advance(250);
  await stopped;
  expect([it.fellows.left, it.fellows.beats.length]).toEqual([true, 1]);
});
