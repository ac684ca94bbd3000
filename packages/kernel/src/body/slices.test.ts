/** What a kernel knows is kept as long as nobody else commits, and as long as it is not too much. */
import { expect, onTestFinished, test } from 'vitest';
import type { Loaded } from '../core/store.ts';
import { Spec, type Task } from '../core/task.ts';
import { openFreshStore } from '../testing/fresh-store.ts';
import { RULES } from '../testing/rules.ts';
import { Scribe } from '../testing/scribe.ts';
import { SimClock } from '../testing/sim-clock.ts';
import type { Slice } from './slice.ts';
import { Slices } from './slices.ts';

const clock = new SimClock();
const MILLION = 'x'.repeat(1024 * 1024);

/** A slice that is kept, and a task of which any number can be made. */
async function scene(): Promise<{ slices: Slices; slice: Slice; task: Task }> {
  const store = await openFreshStore();
  onTestFinished(() => store.close());
  const slices = new Slices(store, RULES);
  const slice = slices.next(clock.now());
  for (let n = 1; n < 8; n++) slices.settled(slice, true);
  expect(slices.goesOn).toBe(false);
  slices.settled(slice, true);
  expect(slices.goesOn).toBe(true);
  return { slices, slice, task: await new Scribe(store).draft() };
}

function handIn(slice: Slice, task: Task): void {
  slice.absorb([{ kind: 'task', prev: null, next: task }]);
}

function report(slice: Slice, task: Task): void {
  slice.absorb([{ kind: 'task', prev: { ...task, status: 'executing', result: null, error: null }, next: task }]);
}

function load(slice: Slice, task: Task): void {
  const [none, tasks] = [new Map(), new Map([[task.id, task]])];
  const loaded: Loaded = {
    ...{
      tasks,
      workers: none,
      idempotency: none,
      documents: none,
      dependents: none,
      children: none,
      lanes: none,
      pools: none,
    },
    unfinished: new Map(),
    outsiders: new Map(),
    portions: new Map(),
    firstSequence: 0,
  };
  slice.add(loaded, { tasks: [task.id] });
}

/** Of each way one task brings a million characters. */
const ways: [string, (slice: Slice, task: Task) => void][] = [
  ['handed in', (slice, task) => handIn(slice, { ...task, spec: new Spec(MILLION, task.spec.value) })],
  ['loaded', (slice, task) => load(slice, { ...task, spec: new Spec(MILLION, task.spec.value) })],
  ['loaded as results', (slice, task) => load(slice, { ...task, status: 'completed', result: MILLION })],
  ['loaded as errors', (slice, task) => load(slice, { ...task, status: 'pending', errorTrace: MILLION })],
  ['reported as results', (slice, task) => report(slice, { ...task, status: 'completed', result: MILLION })],
  ['reported as errors', (slice, task) => report(slice, { ...task, status: 'pending', error: MILLION })],
];

test.each(ways)('no slice is kept through which more than 32 million characters were %s', async (_, pass) => {
  const { slices, task } = await scene();
  let batches = 0;
  while (slices.goesOn && batches < 100) {
    const slice = slices.next(clock.now());
    pass(slice, { ...task, id: `task ${++batches}` });
    slices.settled(slice, true);
  }
  // What else a task says takes a few characters, too.
  expect([32, 33]).toContain(batches);
});

test('no slice is kept that holds more than 10,000 records', async () => {
  const { slices, slice, task } = await scene();
  for (let n = 1; n <= 10_000; n++) load(slice, { ...task, id: `task ${n}` });
  slices.settled(slice, true);
  expect(slices.goesOn).toBe(true);
  load(slice, { ...task, id: 'one more' });
  slices.settled(slice, true);
  expect(slices.goesOn).toBe(false);
});

test('a slice that is too large is not kept in the first place', async () => {
  const { slices, task } = await scene();
  slices.forget();
  const slice = slices.next(clock.now());
  handIn(slice, { ...task, spec: new Spec(MILLION.repeat(33), task.spec.value) });
  slices.settled(slice, true);
  expect(slices.goesOn).toBe(false);
});

/** How many tasks of each lane are loaded when so many are wanted of each. */
function loadedOfEach(slice: Slice, lanes: number, wanted: number): Set<number> {
  for (let n = 0; n < lanes; n++) slice.wanted.lane(`lane ${n}`, wanted);
  return new Set(slice.wanted.take().lanes!.map(({ limit }) => limit));
}

test.each([
  [1, 128],
  [2, 64],
  [100, 1],
  [1000, 1],
])('no more than 128 tasks are loaded ahead: of %i lanes %i each', async (lanes, each) => {
  const { slice } = await scene();
  expect(loadedOfEach(slice, lanes, 1)).toEqual(new Set([each]));
});

test('what is wanted is loaded, be it more than that', async () => {
  const { slice } = await scene();
  expect(loadedOfEach(slice, 2, 500)).toEqual(new Set([500]));
});

test('where the slice is not kept, nothing is loaded ahead', async () => {
  const { slices } = await scene();
  slices.forget();
  expect(loadedOfEach(slices.next(clock.now()), 2, 3)).toEqual(new Set([3]));
});

test('a slice knows how the store saves, as the batch before has left it', async () => {
  const { slices, slice } = await scene();
  expect(slice.saving).toBeNull();
  const next = { number: 3, rolling: true };
  slice.absorb([{ kind: 'saving', prev: null, next }]);
  expect(slices.next(clock.now()).saving).toEqual(next);
  slice.absorb([{ kind: 'saving', prev: next, next: null }]);
  expect(slice.saving).toBeNull();
});

test('of a task that is removed nothing is left in a slice, which is not kept any longer', async () => {
  const { slices, slice, task } = await scene();
  const spec = Spec.of({ ...task.spec.value, depends_on: [task.id], parent_id: task.id });
  const other = { ...task, id: 'other', seq: task.seq + 1, spec };
  for (const one of [task, other]) handIn(slice, one);
  expect([slice.dependentsOf(task.id), slice.childrenOf(task.id)]).toEqual([[other], [other]]);
  slice.absorb([{ kind: 'task', prev: other, next: null }]);
  expect([slice.dependentsOf(task.id), slice.childrenOf(task.id)]).toEqual([[], []]);
  expect(slice.task(other.id)).toBeNull();
  expect(slice.unstarted).toBe(1);
  expect(slice.queue.lane(task.lane)!.length).toBe(1);
  slices.settled(slice, true);
  expect(slices.goesOn).toBe(false);
});

test('an idempotency record that is removed is known to be gone', async () => {
  const { slice } = await scene();
  const record = { key: 'k', bodyHash: '', taskIds: ['t'], at: 1 };
  slice.absorb([{ kind: 'idempotency', prev: null, next: record }]);
  expect(slice.idempotency('k')).toEqual(record);
  slice.absorb([{ kind: 'idempotency', prev: record, next: null }]);
  expect(slice.idempotency('k')).toBeNull();
});
