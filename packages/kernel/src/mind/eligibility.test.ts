/** What is remembered of workers and lanes says the same as looking does, in whatever order they are met. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonObject } from '../core/json.ts';
import { LaneDirectory } from '../core/lane-directory.ts';
import type { Worker } from '../core/worker.ts';
import { aWorker } from '../testing/scribe.ts';
import { eligibility, type Lanes, laneFacts, lanesFor, meetLanes } from './eligibility.ts';
import { matches } from './matching.ts';

const NAMES = ['dig', 'fly', 'sing'];

const capabilities = fc.subarray(NAMES).map((names) => names.map((name) => ({ name, max_complexity: 5 })));
const someone = fc.record({
  name: fc.constantFrom('Maya', 'Willi'),
  capabilities,
  region: fc.constantFrom('eu', 'us'),
});
const requirements: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 5, arbitrary: fc.subarray(NAMES).map((names) => ({ capabilities: names })) },
  fc.record({ capability: fc.constantFrom(...NAMES), complexity: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ region: fc.constantFrom('eu', 'us', 'mars') }),
  fc.record({ worker: fc.constantFrom('Maya', 'bee-1', 'nobody') }),
  fc.record({ worker: fc.constant('Willi'), capability: fc.constantFrom(...NAMES) }),
);

let worlds = 0;

/** Lanes with names of their own, in a directory that changes. */
class World implements Lanes {
  readonly directory = new LaneDirectory();
  readonly workers: Worker[] = [];
  readonly #prefix = `world ${worlds++} `;
  metIn: object | null = null;

  lane(required: JsonObject): string {
    return this.#prefix + JSON.stringify(required);
  }

  put(required: JsonObject): void {
    const key = this.lane(required);
    this.directory.set(key, { key, requirements: required });
  }

  look(): void {
    this.metIn = meetLanes(this.directory);
  }

  get laneCount(): number {
    return this.directory.size;
  }

  hasLane(key: string): boolean {
    return this.directory.has(key);
  }

  *lanes(): Iterable<readonly [string, JsonObject]> {
    for (const [key, lane] of this.directory) yield [key, lane.requirements];
  }
}

test('a worker finds just the lanes that it may take from, as lanes come and go and workers arrive', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ put: fc.array(requirements, { maxLength: 12 }) }) },
    fc.record({ drop: requirements }),
    fc.record({ register: someone }),
    { weight: 2, arbitrary: fc.record({ ask: fc.nat() }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const world = new World();
      for (const one of steps) {
        if ('put' in one) for (const required of one.put) world.put(required);
        else if ('drop' in one) world.directory.delete(world.lane(one.drop));
        else if ('register' in one) {
          const { name, capabilities: held, region } = one.register;
          const profile = { name, capabilities: held, attributes: { region }, maxConcurrentTasks: 1 };
          world.workers.push(aWorker({ id: `bee-${world.workers.length}`, profile }));
        } else if (world.workers.length > 0) {
          world.look();
          const worker = world.workers[one.ask % world.workers.length]!;
          const due = [...world.directory.values()].filter((lane) => matches(worker, lane.requirements));
          const found = lanesFor(worker, world).map(({ key }) => key);
          expect(found.sort()).toEqual(due.map(({ key }) => key).sort());
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('only what is new of a directory is met', () => {
  const directory = new LaneDirectory();
  const put = (key: string) => directory.set(key, { key, requirements: {} });
  put('a');
  put('b');
  expect([...directory.takeNews()].map(({ key }) => key)).toEqual(['a', 'b']);
  put('b');
  expect([...directory.takeNews()]).toEqual([]);
  put('c');
  directory.delete('a');
  put('a');
  expect([...directory.takeNews()].map(({ key }) => key)).toEqual(['c', 'a']);
});

test('a directory knows whether there is a lane of a group in it', () => {
  const directory = new LaneDirectory();
  const [plain, own] = ['a'.repeat(22), `${'b'.repeat(22)}:acme`];
  const put = (key: string) => directory.set(key, { key, requirements: {} });
  const told = [plain, own, own].map((key) => put(key).hasGroups);
  for (const key of [plain, own, own]) {
    directory.delete(key);
    told.push(directory.hasGroups);
  }
  expect(told).toEqual([false, true, true, true, false, false]);
});

test('workers that say the same of themselves share an answer, but not what is for one of them', () => {
  const profile = { capabilities: [], attributes: {}, maxConcurrentTasks: 1 };
  const maya = aWorker({ id: 'bee-1', profile: { ...profile, name: 'Maya' } });
  const willi = aWorker({ id: 'bee-2', profile: { ...profile, name: 'Willi' } });
  const lane = laneFacts('for Maya', { worker: 'Maya' });
  expect([eligibility(maya, lane), eligibility(willi, lane)]).toEqual([1, 0]);
  expect(eligibility(willi, laneFacts('for nobody', { worker: 7 }))).toBe(0);
});

test('requirements that never come again are not remembered for ever, be they many or long', () => {
  meetLanes(new LaneDirectory());
  const first = laneFacts('first', {});
  for (let n = 0; n < 100_001; n++) laneFacts(`once ${n}`, { session: n });
  const second = laneFacts('first', {});
  expect(second).not.toBe(first);
  const session = 's'.repeat(1_000_000);
  for (let n = 0; n < 40; n++) laneFacts(`long ${n}`, { session });
  expect(laneFacts('first', {})).not.toBe(second);
});

test('all that hold tasks are remembered, however many they are', () => {
  const directory = new LaneDirectory();
  for (let n = 0; n < 120_000; n++) directory.set(`held ${n}`, { key: `held ${n}`, requirements: { session: n } });
  meetLanes(directory);
  const memory = meetLanes(directory);
  expect(memory).not.toBe(null);
  expect(meetLanes(directory)).toBe(memory);
  meetLanes(new LaneDirectory());
});

test('more pairs than are remembered are worked out anew, and rightly', () => {
  const workers = Array.from({ length: 2000 }, (_, n) =>
    aWorker({
      id: `w-${n}`,
      profile: { name: 'w', capabilities: [{ name: `c-${n}` }], attributes: {}, maxConcurrentTasks: 1 },
    }),
  );
  for (const worker of workers) eligibility(worker, laneFacts('any', {}));
  for (let n = 0; n < 9000; n++) {
    const lane = laneFacts(`many ${n}`, { capability: `c-${n % 2000}` });
    expect(eligibility(workers[n % 2000]!, lane)).toBe(1);
    expect(eligibility(workers[(n + 1) % 2000]!, lane)).toBe(0);
  }
  expect(eligibility(workers[5]!, laneFacts('many 5', { capability: 'c-5' }))).toBe(1);
});
