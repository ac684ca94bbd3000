/** invariant 14: clocks may lie, and the process may stand still. */
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from './system-clock.ts';

let running = 0;
let wall = 0;

function begin() {
  running = 5000;
  wall = 1_000_000;
  vi.spyOn(performance, 'now').mockImplementation(() => running);
  vi.spyOn(Date, 'now').mockImplementation(() => wall);
  return systemClock();
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('steady time passes as the process runs', () => {
  const clock = begin();
  const before = clock.now().steady;
  for (let n = 0; n < 10; n++) {
    running += 100.25;
    clock.now();
  }
  expect(clock.now().steady - before).toBe(1002);
});

test('a process that stood still has aged no lease by more than a second', () => {
  const clock = begin();
  const before = clock.now().steady;
  running += 3_600_000;
  wall += 3_600_000;
  const after = clock.now();
  expect(after.steady - before).toBe(1000);
  expect(after.wall).toBe(4_600_000);
});

test('when the wall clock is set, steady time does not notice', () => {
  const clock = begin();
  const before = clock.now().steady;
  for (const jump of [86_400_000, -172_800_000]) {
    wall += jump;
    running += 10;
    clock.now();
  }
  expect(clock.now().steady - before).toBe(20);
  expect(clock.now().wall).toBe(1_000_000 - 86_400_000);
});

test('steady time is a whole number and never goes back, however fine the steps', () => {
  const clock = begin();
  let last = clock.now().steady;
  for (let n = 0; n < 1000; n++) {
    running += 0.1;
    const { steady } = clock.now();
    expect(Number.isInteger(steady)).toBe(true);
    expect(steady).toBeGreaterThanOrEqual(last);
    last = steady;
  }
  expect(last - Math.floor(clock.now().steady)).toBe(0);
});

test('a timer fires once after its time, unless it is cancelled', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const clock = systemClock();
  const [fired, cancelled] = [vi.fn(), vi.fn()];
  clock.timer(50, fired);
  clock.timer(50, cancelled)();
  vi.advanceTimersByTime(49);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  expect(fired).toHaveBeenCalledTimes(1);
  expect(cancelled).not.toHaveBeenCalled();
});
