import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capabilitiesIn, groupOf, laneOf, requirementsKey } from './lane.ts';

test('a lane tells whose tasks it holds, whatever the group is called', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }), (group) => {
      expect(groupOf(laneOf(requirementsKey({}), group))).toBe(group);
    }),
  );
  for (const group of [':', 'a:b', ' ', 'ü 🐝', 'queue:', '{x}']) {
    expect(groupOf(laneOf(requirementsKey({ region: 'eu' }), group))).toBe(group);
  }
});

test('tasks without a group have the lanes that they always had', () => {
  const key = requirementsKey({});
  expect(laneOf(key, null)).toBe('RBNvo1WzZ4oRRq0W9-hknp');
  expect(groupOf(key)).toBeNull();
});

test('requirements that ask for the same have one key, in whatever order they stand, and labels count for nothing', () => {
  expect(requirementsKey({ a: 1, b: 2 })).toBe(requirementsKey({ b: 2, a: 1, beeId: 'maya' }));
  expect(requirementsKey({ a: 1 })).not.toBe(requirementsKey({ a: 2 }));
});

test('the capabilities that requirements name are told, each once', () => {
  expect([...capabilitiesIn({ capability: 'ocr', capabilities: ['ocr', 'resize', 7, null] })]).toEqual([
    'ocr',
    'resize',
  ]);
  expect([...capabilitiesIn({ capabilities: 'dig', capability: null })]).toEqual(['dig']);
  expect([...capabilitiesIn({ region: 'eu' })]).toEqual([]);
});
