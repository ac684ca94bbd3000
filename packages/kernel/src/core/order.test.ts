import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBefore } from './order.ts';

test('ids stand in the order of their bytes', () => {
  const alike = fc.array(fc.constantFrom('a', 'z', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}'), {
    maxLength: 3,
  });
  const id = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    alike.map((all) => all.join('')),
  );
  fc.assert(
    fc.property(id, id, (one, other) => {
      expect(isBefore(one, other)).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0);
    }),
  );
});
