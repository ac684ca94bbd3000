import { randomUUID } from 'node:crypto';
import type { Contents, Moment, Piece } from '../../core/archive.ts';
import type { Now } from '../../core/clock.ts';
import type { Collection, Document } from '../../core/document.ts';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import type { SavedPage, SavedQuery, Saving } from '../../core/saved.ts';
import type {
  CommitLimits,
  Committed,
  DocumentQuery,
  Due,
  Loaded,
  NamedQuery,
  Needs,
  Page,
  QueueRank,
  Retention,
  Store,
  Survey,
  TaskQuery,
  Unit,
} from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { RedisClock } from '../../redis/clock.ts';
import { RedisConnection, type RedisOptions } from '../../redis/connection.ts';
import { durabilityOf, objectionTo, type RedisFacts, readFacts } from '../../redis/facts.ts';
import { fill } from '../archive.ts';
import { asOf } from '../moment.ts';
import { dump } from './archive.ts';
import { Documents } from './documents.ts';
import { EpochWatch } from './epoch.ts';
import { RedisFellows } from './fellows.ts';
import { RedisFilling } from './filling.ts';
import { Keys } from './keys.ts';
import { RedisLedger } from './ledger.ts';
import { Loader } from './loader.ts';
import { MemorySearches } from './memory-search/searches.ts';
import { enter, enterAlone, lastBeat, layOut } from './opening.ts';
import { countPools } from './pools.ts';
import { Queries } from './queries.ts';
import { Pruner } from './retention.ts';
import { SavedStates } from './saved.ts';
import { Surveyor } from './surveyor.ts';
import { Transactions } from './transaction.ts';
import { Writer } from './writer.ts';

export interface RedisStoreOptions extends RedisOptions {
  /** The colony's name: what is stored under another one is another colony. */
  readonly colony: string;
  /** How much of this process's memory searches may keep, in bytes. */
  readonly searchBytes?: number | undefined;
}

/** Opens a colony to move it, rather than to serve it. */
export interface AloneOptions extends RedisStoreOptions {
  /** Whether to remove what a move that was not finished has left. */
  readonly clear: boolean;
}

/**
 * A colony on a Redis server or cluster, shared by any number of kernels. Each commit is one script, so it happens
 * whole or not at all, and only if nobody else was faster with one of its records.
 */
export class RedisStore implements Store {
  readonly ledger: RedisLedger;
  readonly fellows: RedisFellows;
  /** The time all kernels of the colony go by. */
  readonly clock = new RedisClock();
  readonly facts: RedisFacts;
  readonly durability: string;
  /** Tells this kernel from its fellows. */
  readonly kernel = randomUUID();
  readonly #redis: RedisConnection;
  /** For transactions alone. */
  readonly #second: RedisConnection;
  readonly #transactions: Transactions;
  readonly #keys: Keys;
  readonly #loader: Loader;
  readonly #surveyor: Surveyor;
  readonly #documents: Documents;
  readonly #writer: Writer;
  readonly #queries: Queries;
  readonly #pruner: Pruner;
  readonly #saved: SavedStates;
  readonly #searches: MemorySearches;
  #lastBeat: string | null = null;

  /**
   * Connects. Throws `StorageUnavailable` when there is no Redis, an Error with a sentence for people when what is stored
   * is a later kernel's, or only a part of a colony that was moved here.
   */
  static open(options: RedisStoreOptions): Promise<RedisStore> {
    return RedisStore.#connect(options, async (store, redis, keys, epoch) => {
      await enter(redis, keys, options.colony);
      redis.inspectWith(async (send) => {
        // What it remembers may not be what is there now.
        store.ledger.forget();
        store.#loader.forget();
        store.#surveyor.forget();
        store.#writer.forget();
        store.#transactions.forget();
        await layOut(send, keys);
        await epoch.inspect(send);
      });
      await epoch.inspect((call) => redis.send(...call));
      await countPools(redis, keys, store.#loader);
      await store.fellows.beat([], Number.MAX_SAFE_INTEGER);
    });
  }

  /** Connects while no kernel uses the colony, which is not changed by it; throws an Error with a sentence when one does. */
  static openAlone({ clear, ...options }: AloneOptions): Promise<RedisStore> {
    return RedisStore.#connect(options, async (store, redis, keys) => {
      store.#lastBeat = await enterAlone(redis, keys, options.colony, clear);
    });
  }

  static async #connect(
    { colony, searchBytes, ...options }: RedisStoreOptions,
    prepare: (store: RedisStore, redis: RedisConnection, keys: Keys, epoch: EpochWatch) => Promise<void>,
  ): Promise<RedisStore> {
    const keys = new Keys(colony);
    const redis = new RedisConnection(options, keys.meta);
    const epoch = new EpochWatch(redis, keys);
    const second = new RedisConnection(options, keys.mark);
    second.inspectWith((send) => epoch.compare(send));
    try {
      const facts = await readFacts(redis);
      const objection = objectionTo(facts);
      if (objection !== null) throw new Error(`this Redis must not be used: ${objection}`);
      const store = new RedisStore(redis, second, keys, facts, epoch, searchBytes);
      await prepare(store, redis, keys, epoch);
      return store;
    } catch (error) {
      redis.close();
      throw error;
    }
  }

  private constructor(
    redis: RedisConnection,
    second: RedisConnection,
    keys: Keys,
    facts: RedisFacts,
    epoch: EpochWatch,
    searchBytes: number | undefined,
  ) {
    this.facts = facts;
    this.durability = durabilityOf(facts);
    this.#redis = redis;
    this.#keys = keys;
    this.#loader = new Loader(redis, keys);
    this.#surveyor = new Surveyor(redis, keys, epoch);
    this.fellows = new RedisFellows(redis, keys, this.kernel, this.clock, epoch);
    this.#documents = new Documents(redis, keys);
    this.#queries = new Queries(redis, keys, this.#loader, this.#documents);
    this.#pruner = new Pruner(redis, keys, this.#loader, this.#documents);
    this.#saved = new SavedStates(redis, keys);
    this.#searches = new MemorySearches({ redis, keys, epoch, documents: this.#documents }, searchBytes);
    this.ledger = new RedisLedger(redis, keys, epoch);
    this.#second = second;
    const { kernel, clock, ledger } = this;
    this.#transactions = new Transactions(second, keys, kernel);
    const transactions = this.#transactions;
    this.#writer = new Writer({ redis, transactions, keys, kernel, clock, epoch, ledger });
  }

  async load(needs: Needs): Promise<Loaded> {
    await this.#writer.settled;
    return this.#loader.load(needs);
  }

  commit(units: readonly Unit[], at: number, limits: CommitLimits = {}): Promise<Committed> {
    return this.#writer.commit(units, at, limits);
  }

  async survey(): Promise<Survey> {
    await this.#writer.settled;
    return this.#surveyor.survey();
  }

  task(id: string): Promise<Task | null> {
    return this.#loader.task(id);
  }

  tasks(query: TaskQuery): Promise<Page<Task>> {
    return this.#queries.tasks(query);
  }

  worker(id: string): Promise<Worker | null> {
    return this.#loader.worker(id);
  }

  workers(): Promise<readonly Worker[]> {
    return this.#loader.workers();
  }

  document(collection: Collection, id: string): Promise<Document | null> {
    return this.#documents.one(collection, id);
  }

  documents(query: DocumentQuery): Promise<Page<Document>> {
    return this.#documents.list(query);
  }

  documentsNamed(query: NamedQuery): Promise<Page<Document>> {
    return this.#documents.listNamed(query);
  }

  search(query: MemorySearch): Promise<MemoryFound> {
    return this.#searches.search(query);
  }

  due(now: Now, limit: number): Promise<Due> {
    return this.#queries.due(now, limit);
  }

  oldestQueued(): Promise<number | null> {
    return this.#queries.oldestQueued();
  }

  position(place: QueueRank): Promise<number> {
    return this.#queries.position(place);
  }

  prune(before: Retention, limit: number, saving?: Saving): Promise<number> {
    return this.#pruner.prune(before, limit, saving);
  }

  async saved(query: SavedQuery): Promise<SavedPage> {
    await this.#writer.settled;
    return this.#saved.page(query);
  }

  forgetSaved(below: number, limit: number, saving?: Saving): Promise<number> {
    return this.#saved.forget(below, limit, saving);
  }

  async *dump(moment?: Moment): AsyncGenerator<Piece> {
    await this.#writer.settled;
    const [redis, keys, loader, saved, ledger] = [this.#redis, this.#keys, this.#loader, this.#saved, this.ledger];
    const pieces = dump({ redis, keys, loader, saved, ledger });
    yield* moment ? asOf(pieces, moment, (number, names) => saved.since(number, names)) : pieces;
  }

  restore(pieces: AsyncIterable<Piece>): Promise<Contents> {
    const { ledger, fellows, clock, kernel: name } = this;
    return fill(pieces, new RedisFilling({ redis: this.#redis, keys: this.#keys, ledger, fellows, clock, name }));
  }

  /** Whether no kernel has been there since this was opened alone. */
  async isUndisturbed(): Promise<boolean> {
    return (await lastBeat(this.#redis, this.#keys)) === this.#lastBeat;
  }

  async probe(): Promise<void> {
    await this.#writer.barrier();
    await this.#redis.send('HSET', this.#keys.meta, 'probed', String(Date.now()));
  }

  async close(): Promise<void> {
    this.#second.close();
    this.#redis.close();
  }
}
