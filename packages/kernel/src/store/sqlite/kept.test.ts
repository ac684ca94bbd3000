import { expect, test } from 'vitest';
import { Kept } from './kept.ts';

const thing = (bytes: number, rows = 1) => ({ rows, bytes });

test('what was used longest ago goes first, by what all take that are kept', () => {
  const kept = new Kept<{ rows: number; bytes: number }>(100_000);
  const use = (no: number, bytes: number) => {
    const one = kept.use(no, 1, () => thing(bytes));
    kept.makeRoom(no);
    return one;
  };
  const [a, b] = [use(1, 40_000), use(2, 40_000)];
  expect([use(1, 0), use(2, 0), use(1, 0)]).toEqual([a, b, a]);
  use(3, 40_000);
  expect(kept.bytes).toBe(84_000);
  expect(use(1, 0)).toBe(a);
  expect(use(2, 7)).not.toBe(b);
  // It grows, and takes the room of others.
  a.bytes = 97_000;
  use(1, 0);
  expect(kept.bytes).toBe(99_000);
  expect(use(2, 9).bytes).toBe(9);
});

test('those that have nothing in them take room as well', () => {
  const kept = new Kept<{ rows: number; bytes: number }>(1_000_000);
  for (let no = 0; no < 10_000; no++) {
    kept.use(no, 0, () => thing(0, 0));
    kept.makeRoom(no);
  }
  expect(kept.bytes).toBeLessThanOrEqual(1_000_000);
  expect(kept.bytes).toBeGreaterThan(900_000);
});

test('what does not fit alone is known to be too large', () => {
  const kept = new Kept<{ rows: number; bytes: number }>(10_000);
  kept.use(1, 1, () => thing(20_000));
  kept.makeRoom(1);
  expect(kept.bytes).toBe(0);
  expect([kept.fits(1, 5000), kept.fits(2, 5000), kept.fits(2, 11_000)]).toEqual([false, true, false]);
});

test('of what many rows are gone another one is made, and the old one counts no more', () => {
  const kept = new Kept<{ rows: number; bytes: number }>(100_000);
  const first = kept.use(1, 5000, () => thing(50_000, 5000));
  kept.makeRoom(1);
  expect(kept.use(1, 4000, () => thing(1))).toBe(first);
  const second = kept.use(1, 3000, () => thing(30_000, 3000));
  expect(second).not.toBe(first);
  kept.makeRoom(1);
  expect(kept.bytes).toBe(32_000);
});
