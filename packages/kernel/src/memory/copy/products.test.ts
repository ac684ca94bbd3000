import { expect, test } from 'vitest';
import { memoryOf, plainProducts, productsIn, wideProducts } from './products.ts';

test('wide instructions and plain TypeScript give the same products, as far as 32 bits tell', () => {
  const memory = memoryOf(2, 2);
  const numbers = new Float32Array(memory.buffer);
  let state = 1;
  const chance = () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state / 2 ** 31;
  };
  for (const [size, rows] of [
    [16, 100],
    [48, 20],
    [384, 7],
    [4096, 2],
  ] as const) {
    const [query, row, out] = [0, 4096 * 4, 100_000];
    for (let n = 0; n < (out - query) / 4; n++) numbers[n] = chance();
    const [wide, plain] = [wideProducts(memory), plainProducts(memory)].map((products) => {
      products(query, row, row + rows * size * 4, size * 4, out);
      return [...numbers.subarray(out / 4, out / 4 + rows)];
    });
    for (let n = 0; n < rows; n++) expect(Math.abs(wide![n]! - plain![n]!)).toBeLessThan(size * 2 ** -22);
    expect(plain!.some((product) => Math.abs(product) > 0.1)).toBe(true);
  }
  expect(String(productsIn(memory))).toBe(String(wideProducts(memory)));
});
