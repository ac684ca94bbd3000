import {
  type LaneHead,
  type LaneNeed,
  type Loaded,
  MOST_DEPENDENTS,
  MOST_UNFINISHED,
  type Needs,
  type Outsiders,
  type OutsidersNeed,
  type Portion,
  type PortionNeed,
  type Tombstone,
} from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Worker, WorkerProfile } from '../../core/worker.ts';
import type { Call, RedisConnection, Reply } from '../../redis/connection.ts';
import { nameOfNeed } from '../units.ts';
import { documentsFrom } from './documents.ts';
import type { Keys } from './keys.ts';
import { LANES, OUTSIDERS, PORTIONS, RELATIVES, UNFINISHED } from './load-scripts.ts';
import { keyFrom, padded, pairsOf, rankScore, scoresOf, taskFrom, tombstoneFrom, workerFrom } from './records.ts';
import { LOWEST_SCORE } from './writes.ts';

/** Profiles kept at hand: they never change. */
const MOST_PROFILES = 10_000;

/** Answers `Store.load` in one round trip, and what else reads single records. */
export class Loader {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #profiles = new Map<string, WorkerProfile>();

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async load(needs: Needs): Promise<Loaded> {
    const { prefix, idempotency, meta } = this.#keys;
    const asked = new Questions();
    const tasks = this.#askTasks(asked, needs.tasks ?? []);
    const workers = this.#askWorkers(asked, needs.workers ?? []);
    const keys = needs.idempotency ?? [];
    const records = asked.add(keys.length > 0 && ['HMGET', idempotency, ...keys]);
    const names = needs.documents ?? [];
    const documents = asked.add(names.length > 0 && ['HMGET', this.#keys.documents, ...names]);
    const relatives = (relation: string, all: boolean, ids: readonly string[] = []) =>
      asked.add(ids.length > 0 && { script: RELATIVES, args: [prefix, relation, all ? '1' : '0', ...ids] });
    const direct = relatives('dependents', false, needs.dependents);
    const dependents = relatives('dependents', true, needs.allDependents);
    const children = relatives('children', true, needs.allDescendants);
    const plans = needs.unfinished ?? [];
    const unfinished = asked.add(
      plans.length > 0 && { script: UNFINISHED, args: [prefix, String(MOST_UNFINISHED), ...plans] },
    );
    const portions = this.#askPortions(asked, needs.portions ?? []);
    const outsiders = this.#askOutsiders(asked, needs.outsiders ?? []);
    const lanes = this.#askLanes(asked, needs.lanes ?? []);
    const pools = needs.pools ?? [];
    const executing = asked.add(pools.length > 0 && ['HMGET', this.#keys.pools, ...pools]);
    const count = needs.sequences ?? 0;
    const sequence = asked.add(count > 0 && ['HINCRBY', meta, 'sequence', String(count)]);
    if (asked.calls.length > 0) asked.answers = await this.#redis.together(asked.calls);

    return {
      tasks: await this.#withTombstones(tasks()),
      workers: await workers(),
      idempotency: new Map(
        keys.map((key, at) => {
          const text = (records() as Reply[])[at] as string | null;
          return [key, text === null ? null : keyFrom(key, text)];
        }),
      ),
      documents: documentsFrom(names, documents()),
      dependents: new Map([...relativesFrom(dependents()), ...relativesFrom(direct())]),
      children: relativesFrom(children()),
      unfinished: new Map(plans.map((plan, at) => [plan, tasksFrom((unfinished() as string[][])[at]!)])),
      portions: portions(),
      outsiders: outsiders(),
      lanes: lanes(),
      pools: new Map(pools.map((pool, at) => [pool, Number((executing() as (string | null)[])[at] ?? 0)])),
      firstSequence: count > 0 ? (sequence() as number) - count + 1 : 0,
    };
  }

  /** What is remembered may not be what is there now. */
  forget(): void {
    this.#profiles.clear();
  }

  /** The stored ones of these tasks, in the order of their ids. */
  async tasks(ids: readonly string[]): Promise<Task[]> {
    if (ids.length === 0) return [];
    const asked = new Questions();
    const found = this.#askTasks(asked, ids);
    asked.answers = await this.#redis.together(asked.calls);
    return [...found().values()].filter((task) => task !== null);
  }

  async task(id: string): Promise<Task | null> {
    return (await this.tasks([id]))[0] ?? null;
  }

  async worker(id: string): Promise<Worker | null> {
    const asked = new Questions();
    const workers = this.#askWorkers(asked, [id]);
    asked.answers = await this.#redis.together(asked.calls);
    return (await workers()).get(id) ?? null;
  }

  async workers(): Promise<Worker[]> {
    const [texts, profiles] = (await this.#redis.pipeline([
      ['HGETALL', this.#keys.workers],
      ['HGETALL', this.#keys.profiles],
    ])) as [string[], string[]];
    const known = new Map(pairsOf(profiles).map(([id, profile]) => [id, this.#profile(id, profile)]));
    // One whose profile came too late for this answer registered after it was asked for.
    const all = pairsOf(texts).sort(([a], [b]) => (a < b ? -1 : 1));
    return all.flatMap(([id, text]) => {
      const profile = known.get(id);
      return profile ? [workerFrom(id, text, profile)] : [];
    });
  }

  #askTasks(asked: Questions, ids: readonly string[]): () => Map<string, Task | null> {
    const texts = asked.add(ids.length > 0 && ['HMGET', this.#keys.tasks, ...ids]);
    const specs = asked.add(ids.length > 0 && ['HMGET', this.#keys.specs, ...ids]);
    return () => {
      const [records, specifications] = [texts() as (string | null)[], specs() as (string | null)[]];
      return new Map(
        ids.map((id, at) => {
          const [text, specification] = [records[at], specifications[at]];
          return [id, text != null && specification != null ? taskFrom(id, text, specification) : null];
        }),
      );
    };
  }

  /** Of tasks that are not there something may be left. */
  async #withTombstones(tasks: Map<string, Task | null>): Promise<Map<string, Task | Tombstone | null>> {
    const missing = [...tasks].filter(([, task]) => task === null).map(([id]) => id);
    if (missing.length === 0) return tasks;
    const removed = (await this.#redis.send('HMGET', this.#keys.removed, ...missing)) as (string | null)[];
    const all: Map<string, Task | Tombstone | null> = tasks;
    for (const [at, id] of missing.entries()) {
      const text = removed[at];
      if (text != null) all.set(id, tombstoneFrom(id, text));
    }
    return all;
  }

  #askWorkers(asked: Questions, ids: readonly string[]): () => Promise<Map<string, Worker | null>> {
    const texts = asked.add(ids.length > 0 && ['HMGET', this.#keys.workers, ...ids]);
    // Whatever is forgotten until the answer is there: these are known.
    const known = new Map(ids.map((id) => [id, this.#profiles.get(id)]));
    const unknown = ids.filter((id) => !known.get(id));
    const profiles = asked.add(unknown.length > 0 && ['HMGET', this.#keys.profiles, ...unknown]);
    return async () => {
      const found = profiles() as (string | null)[];
      for (const [at, id] of unknown.entries()) if (found[at] != null) known.set(id, this.#profile(id, found[at]!));
      const records = texts() as (string | null)[];
      return new Map(
        ids.map((id, at) => {
          const [text, profile] = [records[at], known.get(id)];
          return [id, text != null && profile ? workerFrom(id, text, profile) : null];
        }),
      );
    };
  }

  #askPortions(asked: Questions, needs: readonly PortionNeed[]): () => Map<string, Portion> {
    const args = needs.flatMap(({ id, after }) => [id, padded(after)]);
    const most = String(MOST_DEPENDENTS + 1);
    const found = asked.add(needs.length > 0 && { script: PORTIONS, args: [this.#keys.prefix, most, ...args] });
    return () => {
      const list = found() as (number | string[])[];
      return new Map(
        needs.map(({ id }, at) => {
          const tasks = tasksFrom(list[2 * at + 1] as string[]);
          const more = tasks.length > MOST_DEPENDENTS;
          if (more) tasks.pop();
          return [id, { tasks, more, count: list[2 * at] as number }] as const;
        }),
      );
    };
  }

  #askOutsiders(asked: Questions, needs: readonly OutsidersNeed[]): () => Map<string, Outsiders> {
    const { prefix } = this.#keys;
    const found = needs.map(({ plan, ids }) => asked.add({ script: OUTSIDERS, args: [prefix, plan, ...ids] }));
    return () =>
      new Map(
        needs.flatMap(({ ids }, at) => {
          const list = found[at]!() as (number | string[])[];
          return ids.map((id, place) => {
            const tasks = tasksFrom(list[2 * place + 1] as string[]);
            return [id, { tasks, count: list[2 * place] as number }] as const;
          });
        }),
      );
  }

  #profile(id: string, text: string): WorkerProfile {
    const known = this.#profiles.get(id);
    if (known) return known;
    if (this.#profiles.size >= MOST_PROFILES) this.#profiles.clear();
    const profile = JSON.parse(text) as WorkerProfile;
    this.#profiles.set(id, profile);
    return profile;
  }

  #askLanes(asked: Questions, needs: readonly LaneNeed[]): () => Map<string, LaneHead> {
    const args = needs.flatMap(({ lane, priority, after, limit }) => {
      const [lowest, highest] = priority === undefined ? [LOWEST_SCORE, '+inf'] : scoresOf(priority);
      return [lane, after === null ? lowest : `(${rankScore(after)}`, highest, String(limit + 1)];
    });
    const heads = asked.add(needs.length > 0 && { script: LANES, args: [this.#keys.prefix, ...args] });
    return () =>
      new Map(
        needs.map((need, at) => {
          const tasks = tasksFrom((heads() as string[][])[at]!);
          const more = tasks.length > need.limit;
          if (more) tasks.pop();
          return [nameOfNeed(need), { tasks, more }];
        }),
      );
  }
}

/** Collects questions for one round trip; each is given back as a way to get at its answer. */
class Questions {
  readonly calls: Parameters<RedisConnection['together']>[0][number][] = [];
  answers: Reply[] = [];

  /** False: nothing is asked, and the answer is an empty list. */
  add(call: Call | Questions['calls'][number] | false): () => Reply {
    if (call === false) return () => [];
    const at = this.calls.push(call) - 1;
    return () => this.answers[at]!;
  }
}

/** Out of id, record, specification, and so on. @param known those that were given before, and are not given again */
function tasksFrom(list: readonly string[], known: Map<string, Task> = new Map()): Task[] {
  return Array.from({ length: list.length / 3 }, (_, at) => {
    const [id, text, specification] = [list[3 * at]!, list[3 * at + 1]!, list[3 * at + 2]!];
    const task = known.get(id) ?? taskFrom(id, text, specification);
    known.set(id, task);
    return task;
  });
}

function relativesFrom(reply: Reply): Map<string, readonly Task[]> {
  const list = reply as (string | string[])[];
  const known = new Map<string, Task>();
  return new Map(
    Array.from({ length: list.length / 2 }, (_, at) => [
      list[2 * at] as string,
      tasksFrom(list[2 * at + 1] as string[], known),
    ]),
  );
}
