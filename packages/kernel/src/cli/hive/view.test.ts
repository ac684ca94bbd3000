import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { block, type Snapshot, summaryLine, View } from './view.ts';

const NOW: Snapshot = {
  seconds: 12.4,
  phase: 'submitting',
  submitted: 10,
  queued: 3,
  executing: 2,
  completed: 4,
  failed: 1,
  eventsPerSecond: 81.2,
  bees: [
    { name: 'TextAnalyzer-1', state: 'ready', current: ['a.md'], last: 'z.md', done: 3, kills: 1, crashes: 0 },
    { name: 'ImageProcessor-1', state: 'down', current: [], last: 'b.png', done: 1, kills: 0, crashes: 0 },
  ],
};

test('a line tells everything', () => {
  expect(summaryLine(NOW)).toBe(
    '  12 s  submitting  submitted 10  queued 3  executing 2  completed 4  failed 1  81 events/s',
  );
});

test('a block has a line for each bee, and none is wider than the terminal', () => {
  const lines = block(NOW, 70);
  expect(lines).toHaveLength(4);
  expect(lines[2]).toMatch(/TextAnalyzer-1 {4}3 done, 1 killed +a\.md/);
  expect(lines[3]).toMatch(/ImageProcessor-1 {2}1 done +down/);
  for (const line of block(NOW, 20)) expect(line.length).toBeLessThan(20);
});

test('without a terminal nothing is overdrawn', () => {
  const out = new PassThrough();
  const view = new View(out);
  view.say('hello');
  view.close();
  expect(out.read().toString()).toBe('hello\n');
});
