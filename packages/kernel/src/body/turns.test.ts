import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

/** Turns whose event loop goes round when the test says so. */
function turns() {
  const asked: (() => void)[] = [];
  const goRound = async () => {
    for (const resume of asked.splice(0)) resume();
    await Promise.resolve();
  };
  return { turns: new Turns((resume) => asked.push(resume)), goRound, asked };
}

test('little is done at once, and much of it not', () => {
  const { turns: shared, asked } = turns();
  for (let i = 0; i < 100; i++) {
    expect(shared.isFree).toBe(true);
    shared.spend(514);
  }
  shared.spend(3_000_000);
  expect(shared.isFree).toBe(false);
  expect(asked).toEqual([]);
});

test('who comes first is served first, one each time', async () => {
  const { turns: shared, goRound } = turns();
  shared.spend(3_000_000);
  const order: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    void shared.next().then(() => {
      order.push(name);
      shared.spend(3_000_000);
    });
  }
  expect(shared.waiting).toBe(3);
  await goRound();
  expect(order).toEqual(['a']);
  expect(shared.isFree).toBe(false);
  await goRound();
  await goRound();
  expect(order).toEqual(['a', 'b', 'c']);
  expect(shared.waiting).toBe(0);
});

test('there is room again once others were served', async () => {
  const { turns: shared, goRound } = turns();
  shared.spend(3_000_000);
  const mine = shared.next();
  await goRound();
  await mine;
  expect(shared.isFree).toBe(true);
});
