import { expect, test } from 'vitest';
import { onTermination } from './signals.ts';

test('the first signal asks to stop, a second one is left to the process', () => {
  const before = process.listenerCount('SIGTERM');
  let asked = 0;
  onTermination(() => asked++);
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  process.emit('SIGINT');
  expect(asked).toBe(1);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});

test('a worker that has stopped by itself does not listen any more', () => {
  const before = process.listenerCount('SIGINT');
  onTermination(() => {})();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
