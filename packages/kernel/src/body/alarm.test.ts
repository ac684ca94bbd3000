import { expect, test } from 'vitest';
import { SimClock } from '../testing/sim-clock.ts';
import { Alarm } from './alarm.ts';

function setting() {
  const clock = new SimClock();
  const start = clock.now().steady;
  const woken: number[] = [];
  return { clock, woken, alarm: new Alarm(clock, () => woken.push(clock.now().steady - start)) };
}

test('it wakes at the soonest of the times that it is set to, once', async () => {
  const { clock, woken, alarm } = setting();
  alarm.set(500);
  alarm.set(200);
  alarm.set(300);
  await clock.advance(1000);
  expect(woken).toEqual([200]);
  alarm.set(100);
  await clock.advance(1000);
  expect(woken).toEqual([200, 1100]);
});

test('however far ahead it is set, it wakes within an hour', async () => {
  const { clock, woken, alarm } = setting();
  alarm.set(1e15);
  await clock.advance(3_600_000);
  expect(woken).toEqual([3_600_000]);
});

test('once stopped it wakes nobody', async () => {
  const { clock, woken, alarm } = setting();
  alarm.set(500);
  alarm.stop();
  alarm.set(100);
  await clock.advance(1000);
  expect(woken).toEqual([]);
});
