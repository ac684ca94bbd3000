import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../src/testing/random.ts';
import { Abandoned, Caller } from './caller.ts';
import { FORBIDDEN, Operator, RISKY, type Sent } from './operator.ts';
import { Planner } from './planner.ts';
import { Rememberer } from './rememberer.ts';
import { PARTICIPANTS, Reviewer } from './reviewer.ts';
import { Scheduler } from './scheduler.ts';
import { BAD, count, GROUPS, MOST_OF_GROUP, Told } from './told.ts';

interface Wire {
  readonly id: string;
  readonly status: string;
  readonly lease: { readonly token: number };
}

/** Longer than any lease, vote or retry of a run. */
const STUCK_MS = 20_000;

/** Longer than any fault. */
const DEAF_MS = 60_000;

/** What a kernel needs to know: who votes, and how many of a group may execute at once. */
export const SETTINGS = {
  GUARDIAN_PARTICIPANTS: PARTICIPANTS.join(),
  COLONY_CHECKPOINT_KEEP: '10',
  COLONY_GROUP_MAX_CONCURRENT: String(MOST_OF_GROUP),
  COLONY_EMBEDDINGS_MODEL: 'ngrams',
};

/** What the clients of a run were told, in numbers. */
export interface Totals {
  readonly submitted: number;
  readonly plans: number;
  readonly completed: number;
  readonly ballots: number;
  readonly policies: number;
  readonly checkpoints: number;
  readonly dryRuns: number;
  readonly rollbacks: number;
  readonly exports: number;
  readonly schedules: number;
  readonly remembered: number;
  readonly entries: number;
}

/**
 * Clients as other people write them: plain HTTP and WebSocket, every request repeated until it is answered, and a
 * record of all that was acknowledged. Some submit, some work, one of those badly; some vote, some run the place, one
 * makes schedules, one remembers things, one watches.
 */
export class Loader {
  readonly caller: Caller;
  readonly told = new Told();
  readonly planner: Planner;
  /** The numbers of the events that were seen. */
  readonly seen: number[] = [];
  readonly #random: Random;
  readonly #jobs: Promise<void>[] = [];
  readonly #reviewers: Reviewer[] = [];
  readonly #operators: Operator[] = [];
  readonly scheduler: Scheduler;
  readonly rememberer: Rememberer;
  #fault: unknown = null;
  #heard = { answered: 0, at: performance.now() };
  #socket: WebSocket | null = null;
  #submitting = true;
  #working = true;
  /** How many jobs are not at their end, and how many of them are workers'. */
  #busy = 0;
  #workers = 0;

  constructor(url: string, seed: number) {
    this.caller = new Caller(url);
    this.#random = new Random(seed);
    this.planner = new Planner(this.caller, this.told, new Random(seed + 1));
    this.scheduler = new Scheduler(this.caller, this.told, new Random(seed));
    this.rememberer = new Rememberer(this.caller, this.told, new Random(seed + 2));
  }

  async start({
    submitters,
    workers,
    operators,
  }: {
    submitters: number;
    workers: number;
    operators: number;
  }): Promise<void> {
    const own = () => new Random(this.#random.between(0, 2 ** 32));
    for (let n = 0; n < operators; n++)
      this.#operators.push(new Operator(this.caller, this.told, `operator ${n}`, own()));
    for (const name of PARTICIPANTS) this.#reviewers.push(new Reviewer(this.caller, this.told, name, own()));
    // Before anything else, since what is risky is to be voted on from the first task on.
    await this.#operators[0]!.setPolicy();
    const others = [...this.#operators, ...this.#reviewers, this.scheduler, this.rememberer];
    for (const one of others) this.#run(one.work());
    for (let n = 0; n < submitters; n++) this.#run(this.#submit(n, own()));
    this.#run(this.planner.work(() => this.#submitting));
    for (let n = 0; n < workers; n++) this.#run(this.#work(`w${n}`));
    this.#run(this.#work(BAD));
    this.#watch();
  }

  /** Resolves once `more` requests have changed something, or were told why not. */
  async progress(more: number): Promise<void> {
    const target = this.caller.answered + more;
    while (this.caller.answered < target) {
      this.#mind();
      await pause(1);
    }
  }

  get operators(): readonly Operator[] {
    return this.#operators;
  }

  /** A rollback of much, on its way. @param url of the kernel that is to do it */
  async undo(url?: string): Promise<Sent> {
    let sent: Sent | null = null;
    void this.#random
      .pick(this.#operators)
      .undo(url)
      .then((rollback) => {
        sent = rollback;
      });
    while (sent === null) {
      this.#mind();
      await pause(1);
    }
    return sent;
  }

  /** No new tasks; waits until the last one is done. */
  async finish(): Promise<void> {
    this.#submitting = false;
    for (const one of [...this.#operators, this.scheduler, this.rememberer]) one.isWorking = false;
    for (const one of this.#reviewers) one.isAsking = false;
    // What is sent already may still change something, a rollback most of all.
    while (this.#busy > this.#reviewers.length + this.#workers) await this.#moment();
    await this.scheduler.removeAll();
    await this.#operators[0]!.disperseAll();
    await this.#rest();
    for (const one of this.#reviewers) one.isWorking = false;
    this.#working = false;
    await Promise.all(this.#jobs);
    this.#mind();
    await this.follow();
  }

  /** Resolves once everything that is in the ledger has been seen. */
  async follow(): Promise<void> {
    const { entries } = (await this.caller.get('/system/audit?limit=1')).body as { entries: { id: number }[] };
    while ((this.seen.at(-1) ?? 0) < entries[0]!.id) await pause(10);
  }

  async abandon(): Promise<void> {
    this.caller.abandon();
    const others = [...this.#operators, ...this.#reviewers, this.scheduler, this.rememberer];
    for (const one of others) one.isWorking = false;
    this.#submitting = false;
    this.#working = false;
    this.#socket?.close();
  }

  totals(): Totals {
    const { submissions, completed, ballots, policies, checkpoints, rollbacks, dryRuns, exported, schedules } =
      this.told;
    return {
      submitted: submissions.size,
      plans: this.told.plans.size,
      completed: completed.size,
      ballots: [...ballots.values()].reduce((sum, times) => sum + times, 0),
      policies: policies.size,
      checkpoints: checkpoints.size,
      dryRuns,
      rollbacks: rollbacks.length,
      exports: exported,
      schedules: schedules.size,
      remembered: this.told.remembered.size,
      entries: this.seen.length,
    };
  }

  #run(job: Promise<void>): void {
    this.#busy++;
    const done = job
      .catch((fault: unknown) => {
        if (!(fault instanceof Abandoned)) this.#fault ??= fault;
      })
      .finally(() => this.#busy--);
    this.#jobs.push(done);
  }

  /** A client that has a fault of its own proves nothing, and one that nobody answers waits for ever. */
  #mind(): void {
    if (this.#fault) throw this.#fault;
    const { answered } = this.caller;
    if (answered !== this.#heard.answered) this.#heard = { answered, at: performance.now() };
    else if (performance.now() - this.#heard.at > DEAF_MS)
      throw new Error(
        `invariant 18: for ${DEAF_MS} ms no change has been answered; ${this.caller.problems.join('\n')}`,
      );
  }

  async #moment(): Promise<void> {
    this.#mind();
    await pause(20);
  }

  async #submit(number: number, random: Random): Promise<void> {
    const { told, caller } = this;
    const own: string[] = [];
    for (let n = 0; this.#submitting; n++) {
      const isOld = own.length > 0 && random.chance(0.05);
      const key = isOld ? random.pick(own) : `key-${number}-${n}`;
      const body = told.submissions.get(key)?.body ?? this.#task(key, random);
      const headers = { 'idempotency-key': key };
      const answer = await caller.call('/tasks', { method: 'POST', body, headers });
      if (answer.body === null) continue;
      const { id } = answer.body as Wire;
      told.submitted(key, body, id);
      if (!isOld) own.push(key);
      if (random.chance(0.03))
        await this.#cancel(random.chance(0.5) ? id : told.submissions.get(random.pick(own))!.ids.at(-1)!);
      if (random.chance(0.03)) {
        const again = told.submissions.get(random.pick(own))!.ids.at(-1)!;
        await caller.post(`/tasks/${again}/retry`, undefined, ['task_not_found', 'invalid_transition']);
      }
    }
  }

  #task(key: string, random: Random): object {
    const description = random.chance(0.2) ? `${RISKY} ${key}` : key;
    if (random.chance(0.03)) return { description, tags: [FORBIDDEN] };
    return random.chance(0.4) ? { description, group: random.pick(GROUPS) } : { description };
  }

  async #cancel(id: string): Promise<void> {
    this.told.unwanted.add(id);
    const mayBe = ['task_not_found', 'invalid_transition'];
    const { status } = await this.caller.call(`/tasks/${id}`, { method: 'DELETE', mayBe });
    if (status === 204) count(this.told.cancelled, id);
  }

  /** Does what it is given; the bad one fails at all of it. */
  async #work(name: string): Promise<void> {
    this.#workers++;
    const { caller, told } = this;
    const introduction = { name, capabilities: [], max_concurrent_tasks: 8 };
    const worker = (await caller.post('/workers', introduction)).body as Wire;
    while (this.#working) {
      // Says first that it holds nothing: an answer to a claim that got lost in a crash goes back to the queue.
      await caller.post(`/workers/${worker.id}/heartbeat`, { tasks: [] });
      const { body } = await caller.post(`/workers/${worker.id}/claim`, { max_tasks: 8, wait_seconds: 1 });
      for (const { id, lease } of (body as { tasks: Wire[] }).tasks) {
        const held = { lease_token: lease.token };
        const lost = ['stale_lease', 'task_not_found'];
        const result = { by: name, token: lease.token };
        if (name === BAD) await caller.post(`/tasks/${id}/fail`, { ...held, error: 'too hard for me' }, lost);
        else {
          const answer = await caller.post(`/tasks/${id}/complete`, { ...held, result }, lost);
          if ((answer.body as Wire | null)?.status === 'completed') told.completed.set(`${id} ${lease.token}`, result);
        }
      }
      if (this.#submitting === false && name === BAD) break;
    }
    this.#workers--;
  }

  #watch(): void {
    if (this.caller.isAbandoned) return;
    const socket = new WebSocket(`${this.caller.socketUrl}/ws/events?since=${this.seen.at(-1) ?? 0}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data as string) as { id?: number };
      if (event.id !== undefined) this.seen.push(event.id);
    };
    socket.onerror = () => undefined;
    socket.onclose = () => setTimeout(() => this.#watch(), 10);
  }

  /** Until nothing is unfinished; or nothing moves any more, which is for the checks to complain of. */
  async #rest(): Promise<void> {
    let since = performance.now();
    for (let before = -1; performance.now() - since < STUCK_MS; ) {
      const unfinished = await this.#unfinished();
      if (unfinished === 0) return;
      if (unfinished !== before) since = performance.now();
      before = unfinished;
      await this.#moment();
    }
  }

  async #unfinished(): Promise<number> {
    const { tasks } = (await this.caller.get('/system/stats')).body as { tasks: Record<string, number> };
    const { body } = await this.caller.get('/votes?status=open&limit=1000');
    return tasks.queued! + tasks.executing! + tasks.pending! + (body as unknown[]).length;
  }
}
