import type { Moment, Piece } from '../core/archive.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { Ledger, Store } from '../core/store.ts';
import type { Random } from './random.ts';

export interface FaultRates {
  /** A commit is refused and nothing of it happens. */
  commitFails: number;
  /** A commit happens, and the answer gets lost: the kernel cannot know. */
  replyLost: number;
  /** Loads and queries fail. */
  loadFails: number;
  /** Anything takes some turns of the event loop. */
  delay: number;
}

export const NO_FAULTS: Readonly<FaultRates> = { commitFails: 0, replyLost: 0, loadFails: 0, delay: 0 };

/**
 * A store that fails the way real ones do, as far as a kernel can notice:
 * - a commit fails whole, and nothing of it is there;
 * - a commit succeeds, and the answer is lost on the way;
 * - a read fails; anything takes long;
 * - the process dies: from that moment on nothing is answered any more, whatever was under way.
 * It does not model a disk that loses or changes what was synchronised: no software above it can mend that.
 */
export class FaultyStore implements Store {
  readonly #real: Store;
  readonly #random: Random;
  rates: FaultRates = { ...NO_FAULTS };
  #dead = false;
  #commitsLeft = Number.POSITIVE_INFINITY;
  /** Whether the kernel was denied something since it was last told that all is well. */
  faults = 0;

  constructor(real: Store, random: Random) {
    this.#real = real;
    this.#random = random;
  }

  /** The kernel's process is killed. */
  kill(): void {
    this.#dead = true;
  }

  /** It will be when it commits for the last time that is left to it: before that commit happens, or after. */
  killIn(commits: number): void {
    this.#commitsLeft = commits;
  }

  load: Store['load'] = (needs) => this.#read(() => this.#real.load(needs));
  survey: Store['survey'] = () => this.#read(() => this.#real.survey());
  task: Store['task'] = (id) => this.#read(() => this.#real.task(id));
  tasks: Store['tasks'] = (query) => this.#read(() => this.#real.tasks(query));
  worker: Store['worker'] = (id) => this.#read(() => this.#real.worker(id));
  workers: Store['workers'] = () => this.#read(() => this.#real.workers());
  document: Store['document'] = (collection, id) => this.#read(() => this.#real.document(collection, id));
  documents: Store['documents'] = (query) => this.#read(() => this.#real.documents(query));
  documentsNamed: Store['documentsNamed'] = (query) => this.#read(() => this.#real.documentsNamed(query));
  search: Store['search'] = (query) => this.#read(() => this.#real.search(query));
  due: Store['due'] = (now, limit) => this.#read(() => this.#real.due(now, limit));
  oldestQueued: Store['oldestQueued'] = () => this.#read(() => this.#real.oldestQueued());
  position: Store['position'] = (place) => this.#read(() => this.#real.position(place));
  prune: Store['prune'] = (...args) => this.#read(() => this.#real.prune(...args));
  saved: Store['saved'] = (query) => this.#read(() => this.#real.saved(query));
  forgetSaved: Store['forgetSaved'] = (...args) => this.#read(() => this.#real.forgetSaved(...args));
  restore: Store['restore'] = (pieces) => this.#real.restore(pieces);
  probe: Store['probe'] = () => this.#read(() => this.#real.probe());

  get durability(): string {
    return this.#real.durability;
  }

  get fellows(): Store['fellows'] {
    return this.#real.fellows;
  }

  commit: Store['commit'] = async (units, at, limits) => {
    const isLast = --this.#commitsLeft === 0;
    if (isLast && this.#random.chance(0.5)) this.kill();
    await this.#delay();
    this.#fail(this.rates.commitFails, 'the write failed');
    const committed = await this.#real.commit(units, at, limits);
    if (isLast) this.kill();
    await this.#delay();
    this.#fail(this.rates.replyLost, 'the answer was lost');
    return committed;
  };

  get ledger(): Ledger {
    return this.#real.ledger;
  }

  async *dump(moment?: Moment): AsyncGenerator<Piece> {
    for await (const piece of this.#real.dump(moment)) {
      await this.#read(async () => undefined);
      yield piece;
    }
  }

  async close(): Promise<void> {
    if (!this.#dead) await this.#real.close();
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    await this.#delay();
    this.#fail(this.rates.loadFails, 'the read failed');
    return read();
  }

  #fail(rate: number, why: string): void {
    if (rate === 0 || !this.#random.chance(rate)) return;
    this.faults++;
    throw new StorageUnavailable(why);
  }

  async #delay(): Promise<void> {
    if (this.#dead) await new Promise(() => undefined);
    if (this.rates.delay > 0 && this.#random.chance(this.rates.delay)) {
      for (let turn = this.#random.between(1, 3); turn > 0; turn--)
        await new Promise((resolve) => setImmediate(resolve));
      if (this.#dead) await new Promise(() => undefined);
    }
  }
}
