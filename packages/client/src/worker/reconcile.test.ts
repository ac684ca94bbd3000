import { expect, test } from 'vitest';
import type { ColonyClient } from '../client.ts';
import { type Holdings, Reconciler } from './reconcile.ts';

/** A worker that holds `running`, and a kernel that thinks it holds what `says` answers. */
function setUp(running: string[], reported: string[] = []) {
  const lost: string[] = [];
  const heartbeats: (readonly string[])[] = [];
  const state = { says: [] as string[], draining: false, drained: 0 };
  const client = {
    getWorker: async () => ({ current_tasks: state.says, draining: state.draining }),
    heartbeat: async (_id: string, { tasks }: { tasks: readonly string[] }) => void heartbeats.push(tasks),
  } as unknown as ColonyClient;
  const holdings: Holdings = {
    signal: new AbortController().signal,
    running: () => running,
    all: () => [...running, ...reported],
    lost: (id) => void lost.push(id),
    draining: () => void state.drained++,
  };
  return { lost, heartbeats, state, running, reconciler: new Reconciler(client, holdings) };
}

test('a task the kernel thinks is here, and is not, goes back the second time', async () => {
  const { reconciler, state, heartbeats } = setUp(['a'], ['reported']);
  state.says = ['a', 'reported', 'x'];
  await reconciler.check('w');
  expect(heartbeats).toEqual([]);
  state.says = ['a', 'reported', 'x', 'under way'];
  await reconciler.check('w');
  expect(heartbeats.map((tasks) => [...tasks].sort())).toEqual([['a', 'reported', 'under way']]);
});

test('a task that was only under way is not given back', async () => {
  const { reconciler, state, heartbeats, running } = setUp([]);
  state.says = ['a'];
  await reconciler.check('w');
  running.push('a');
  await reconciler.check('w');
  expect(heartbeats).toEqual([]);
});

test('a task that is here, and not with the kernel, is lost', async () => {
  const { reconciler, state, lost } = setUp(['a', 'b']);
  state.says = ['b'];
  await reconciler.check('w');
  expect(lost).toEqual(['a']);
});

test('a worker that the kernel drains learns it here too', async () => {
  const { reconciler, state } = setUp([]);
  state.draining = true;
  await reconciler.check('w');
  expect(state.drained).toBe(1);
});
