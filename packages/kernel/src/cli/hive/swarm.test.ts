import { describe, expect, test } from 'vitest';
import { assignTrades } from './swarm.ts';

describe('the trades of the bees', () => {
  const work = { text: 300, data: 20, image: 5 };

  test('are one for each of three', () => {
    expect(assignTrades(3, work)).toEqual([['text'], ['data'], ['image']]);
  });

  test('are several for fewer, so that no kind of work is left alone', () => {
    expect(assignTrades(1, work)).toEqual([['text', 'data', 'image']]);
    expect(assignTrades(2, work)).toEqual([['text', 'image'], ['data']]);
  });

  test('go where the work is for more', () => {
    expect(assignTrades(6, work).flat()).toEqual(['text', 'data', 'image', 'text', 'text', 'text']);
    expect(assignTrades(5, { text: 10, data: 9, image: 0 }).flat().slice(3)).toEqual(['text', 'data']);
  });
});
