import { LaneDirectory } from '../../core/lane-directory.ts';
import type { Survey } from '../../core/store.ts';
import { TASK_STATUSES, type TaskStatus } from '../../core/task.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { savingFrom } from '../saved.ts';
import { type EpochWatch, tokenFloorOf } from './epoch.ts';
import type { Keys } from './keys.ts';
import { COMPLETED, FAILED } from './placing.ts';
import { laneFrom, pairsOf } from './records.ts';

/** A mark that no commit leaves. */
const NO_MARK = 'none';

/** Answers `Store.survey`. The lanes are many, and read again only when they have changed. */
export class Surveyor {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #epoch: EpochWatch;
  /** The lanes that hold tasks, as of this version of the directory. */
  #lanes = new LaneDirectory();
  #directory: string | null | undefined;

  constructor(redis: RedisConnection, keys: Keys, epoch: EpochWatch) {
    this.#redis = redis;
    this.#keys = keys;
    this.#epoch = epoch;
  }

  /** What is remembered may not be what is there now. */
  forget(): void {
    this.#directory = undefined;
  }

  async survey(breaks = this.#redis.breaks): Promise<Survey> {
    const { counts, meta, lanes } = this.#keys;
    // The mark first: what is read after it may be newer, and never older.
    const [found, numbers, [directory, number, name = null, lastKey = null, saving = null]] =
      (await this.#redis.pipeline([
        ['GET', this.#keys.mark],
        ['HGETALL', counts],
        ['HMGET', meta, 'directory', 'epoch', 'name', 'lastKey', 'saving'],
      ])) as [string | null, string[], (string | null)[]];
    if (!this.#epoch.holds(name)) return this.survey(breaks);
    // Asked for again, it may have been read after what was asked for next, and says nothing of how old that is.
    const mark = this.#redis.breaks === breaks ? (found ?? '') : NO_MARK;
    if ((directory ?? null) !== this.#directory) {
      // The version first: should the lanes change in between, they are read again the next time.
      const [version, all] = await this.#redis.pipeline([
        ['HGET', meta, 'directory'],
        ['HGETALL', lanes],
      ]);
      this.#lanes = new LaneDirectory();
      for (const [key, text] of pairsOf(all as string[])) this.#lanes.set(key, laneFrom(key, text));
      this.#directory = version as string | null;
    }
    const tasks = Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])) as Record<TaskStatus, number>;
    const counted = new Map(pairsOf(numbers).map(([name, count]) => [name, Number(count)]));
    for (const status of TASK_STATUSES) tasks[status] = counted.get(status) ?? 0;
    // Colonies of before it was counted have workers whose attempts were not.
    const ended = (how: string) => Math.max(0, counted.get(how) ?? 0);
    const attempts = { completed: ended(COMPLETED), failed: ended(FAILED) };
    const tokenFloor = tokenFloorOf(Number(number ?? 0));
    const saved = savingFrom(saving);
    return { tasks, attempts, tokenFloor, epoch: name, lanes: this.#lanes, mark, lastKey, saving: saved };
  }
}
