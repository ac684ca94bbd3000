import { expect, test } from 'vitest';
import type { Progress } from './frames.ts';
import { ProgressBoard } from './progress-board.ts';

const at = (fraction: number, taskId = 't'): Progress => ({ taskId, leaseToken: 1, fraction });

function setUp() {
  const sent: number[] = [];
  return { sent, board: new ProgressBoard(({ fraction }) => sent.push(fraction)) };
}

test('one report a task is on its way, and after it only the newest', () => {
  const { board, sent } = setUp();
  for (const fraction of [0.1, 0.2, 0.3]) board.put(at(fraction));
  board.put(at(0.9, 'other'));
  expect(sent).toEqual([0.1, 0.9]);
  board.answered('t');
  expect(sent).toEqual([0.1, 0.9, 0.3]);
  board.answered('t');
  expect(sent).toEqual([0.1, 0.9, 0.3]);
});

test('a new connection does not wait for answers of the old one', () => {
  const { board, sent } = setUp();
  board.put(at(0.1));
  board.put(at(0.2));
  board.reset();
  expect(sent).toEqual([0.1, 0.2]);
});

test('nothing is sent for a task that has ended', () => {
  const { board, sent } = setUp();
  board.put(at(0.1));
  board.put(at(0.2));
  board.forget('t');
  board.answered('t');
  expect(sent).toEqual([0.1]);
});
