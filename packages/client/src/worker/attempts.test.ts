import { expect, test } from 'vitest';
import type { AssignedTask } from '../types.ts';
import { type Attempt, Attempts } from './attempts.ts';

const task = (id: string, token = 1) => ({ id, lease: { token, expires_at: '' } }) as AssignedTask;

function setUp(concurrency: number) {
  const started: Attempt[] = [];
  const finish = new Map<string, () => void>();
  const run = (attempt: Attempt) => {
    started.push(attempt);
    return new Promise<void>((resolve) => finish.set(`${attempt.task.id} ${attempt.task.lease.token}`, resolve));
  };
  let freed = 0;
  const attempts = new Attempts(concurrency, run, () => freed++);
  const end = async (key: string) => {
    finish.get(key)?.();
    await new Promise(setImmediate);
  };
  return { attempts, started, end, freed: () => freed };
}

test('what is assigned beyond the slots waits for one', async () => {
  const { attempts, started, end } = setUp(1);
  attempts.add(task('a'));
  attempts.add(task('b'));
  expect(started).toHaveLength(1);
  expect([...attempts.held.keys()]).toEqual(['a', 'b']);
  await end('a 1');
  expect(started).toHaveLength(2);
  expect([...attempts.held.keys()]).toEqual(['b']);
});

test('a revoked task is not held, but its handler keeps the slot until it returns', async () => {
  const { attempts, started, end, freed } = setUp(2);
  attempts.add(task('a'));
  attempts.revoke('a', 'cancelled');
  expect(started[0]?.abort.signal.aborted).toBe(true);
  expect(attempts.held.size).toBe(0);
  expect(attempts.free).toBe(1);
  await end('a 1');
  expect(attempts.free).toBe(2);
  expect(freed()).toBe(1);
});

test('the same assignment twice is one', () => {
  const { attempts, started } = setUp(2);
  attempts.add(task('a'));
  attempts.add(task('a'));
  expect(started).toHaveLength(1);
});

test('a newer lease of a task ends the attempt under the older one', async () => {
  const { attempts, started, end } = setUp(2);
  attempts.add(task('a', 1));
  attempts.add(task('a', 2));
  expect(started.map(({ abort }) => abort.signal.aborted)).toEqual([true, false]);
  await end('a 1');
  expect(attempts.held.get('a')?.task.lease.token).toBe(2);
});

test('a refusal that concerns an older lease does not touch the newer one', () => {
  const { attempts, started } = setUp(2);
  attempts.add(task('a', 2));
  attempts.revoke('a', 'stale_lease', 1);
  expect(started[0]?.abort.signal.aborted).toBe(false);
});

test('what has not started can be taken back', () => {
  const { attempts } = setUp(1);
  for (const id of ['a', 'b', 'c']) attempts.add(task(id));
  expect(attempts.takeQueued().map((one) => one.task.id)).toEqual(['b', 'c']);
  expect([...attempts.held.keys()]).toEqual(['a']);
});

test('it is idle when nothing held is being worked on', async () => {
  const { attempts, end } = setUp(1);
  await attempts.idle();
  attempts.add(task('a'));
  const idle = attempts.idle();
  await end('a 1');
  await idle;
});
