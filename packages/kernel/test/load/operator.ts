import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import type { Caller } from './caller.ts';
import type { Told } from './told.ts';

interface Changed {
  readonly restored: number;
  readonly removed: number;
}

interface Rolled {
  readonly state: { readonly tasks: Changed & { readonly requeued: number }; readonly votes: Changed };
}

interface Difference {
  readonly kind: string;
  readonly id: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** What tasks say that somebody has to approve, and what tag is not let in, whatever else a policy says. */
export const RISKY = 'risky';
export const FORBIDDEN = 'forbidden';
/** Nobody can do these. */
export const HERD = { tags: ['herd'], requirements: { capability: 'herding' } };
/** So many pages of a rollback, that it can be cut off in the middle. */
const LARGE = 1000;
const MOST_EXPORTS = 4;

/** A rollback that is on its way. */
export interface Sent {
  /** Resolves once it is under way, as far as can be told from outside; or is over. */
  readonly begun: Promise<void>;
  /** Resolves once it was answered, or will not be any more. */
  readonly answered: Promise<void>;
  /** How long one takes once it is under way, about. */
  readonly usualMs: number;
}

/** Runs the place: puts policies into force, makes checkpoints, looks at what a rollback would do, and goes back. */
export class Operator {
  readonly #caller: Caller;
  readonly #told: Told;
  readonly #random: Random;
  readonly #name: string;
  readonly #wanted: { readonly url: string | undefined; readonly sent: (sent: Sent) => void }[] = [];
  /** How long a large one takes once it is under way, about. */
  #usualMs = 150;
  isWorking = true;
  #made = 0;

  constructor(caller: Caller, told: Told, name: string, random: Random) {
    this.#caller = caller;
    this.#told = told;
    this.#name = name;
    this.#random = random;
  }

  async work(): Promise<void> {
    while (this.isWorking) {
      const wanted = this.#wanted.shift();
      if (wanted) await this.#goFarBack(wanted.url, wanted.sent);
      else {
        await this.#anything();
        await pause(this.#random.between(5, 80));
      }
    }
  }

  /** Has much to be undone, and undoes it; resolves when that is on its way. @param url of the kernel that is to do it */
  undo(url?: string): Promise<Sent> {
    return new Promise((sent) => this.#wanted.push({ url, sent }));
  }

  async setPolicy(): Promise<void> {
    const rules = [
      { id: 'risky', type: 'prohibited_pattern', action: 'require_approval', patterns: [RISKY] },
      { id: 'forbidden', type: 'requirement', action: 'reject', deny_tags: [FORBIDDEN] },
      { id: 'long', type: 'resource_limit', action: 'warn', max_timeout_seconds: this.#random.between(1, 1_000_000) },
    ];
    const { body } = await this.#caller.call('/guardian/policy', { method: 'PUT', body: { rules } });
    const { version } = body as { version: number };
    if (this.#told.policies.has(version)) this.#caller.problems.push(`two policies were acknowledged as ${version}`);
    this.#told.policies.set(version, JSON.stringify(body));
  }

  async #anything(): Promise<void> {
    const dice = this.#random.next();
    if (dice < 0.25) await this.#checkpoint();
    else if (dice < 0.45) await this.setPolicy();
    else if (dice < 0.65) await this.#look();
    else if (dice < 0.7) await this.#forget();
    else if (dice < 0.78) await this.#pardon();
    else if (dice < 0.83) await this.#herd(this.#random.between(1, 50));
    else if (dice < 0.93) await this.#export();
    else if (dice < 0.98) {
      const id = await this.#any();
      if (id !== null) await this.goBack(id);
    }
  }

  /** Whatever ends one before its time breaks it off. */
  async #export(): Promise<void> {
    const text = await this.#caller.text('/system/export').catch(() => '');
    if (!text.includes('{"kind":"end"')) return;
    this.#told.exported++;
    this.#told.exports.push(text);
    if (this.#told.exports.length > MOST_EXPORTS) this.#told.exports.shift();
  }

  async #checkpoint(): Promise<string> {
    const { body } = await this.#caller.post('/system/checkpoint', { label: this.#name });
    const { checkpoint_id: id } = body as { checkpoint_id: string };
    this.#told.checkpoints.add(id);
    return id;
  }

  /** Newest first. */
  async #all(): Promise<string[]> {
    const { body } = await this.#caller.get('/system/checkpoints');
    return (body as { checkpoint_id: string }[]).map(({ checkpoint_id: id }) => id);
  }

  /** The newest, or any. */
  async #any(): Promise<string | null> {
    const ids = await this.#all();
    if (ids.length === 0) return null;
    return this.#random.chance(0.6) ? ids[0]! : this.#random.pick(ids);
  }

  async #forget(): Promise<void> {
    const id = await this.#any();
    if (id === null) return;
    const gone = ['checkpoint_not_found'];
    const { status } = await this.#caller.call(`/system/checkpoints/${id}`, { method: 'DELETE', mayBe: gone });
    if (status === 204) this.#told.deleted.add(id);
  }

  async #look(): Promise<void> {
    const id = await this.#any();
    if (id === null) return;
    await this.differences(id);
    await this.dryRun(id);
  }

  async dryRun(id: string): Promise<Rolled['state'] | null> {
    const path = `/system/rollback/${id}?dry_run=true`;
    const { status, body } = await this.#caller.call(path, { method: 'POST', mayBe: ['checkpoint_not_found'] });
    if (status !== 200) return null;
    this.#told.dryRuns++;
    return (body as Rolled).state;
  }

  async differences(id: string): Promise<Difference[]> {
    const found: Difference[] = [];
    for (let cursor = ''; ; ) {
      const path = `/system/checkpoints/${id}/diff?limit=200${cursor}`;
      const { status, body } = await this.#caller.get(path, ['checkpoint_not_found']);
      if (status !== 200) return found;
      const { items, next_cursor } = body as { items: Difference[]; next_cursor: string | null };
      found.push(...items);
      if (next_cursor === null) return found;
      cursor = `&cursor=${next_cursor}`;
    }
  }

  /** Once: whether one that was not answered has been done is for the ledger to say. */
  async goBack(id: string, url?: string): Promise<Rolled['state'] | null> {
    const call = { method: 'POST', mayBe: ['checkpoint_not_found'] } as const;
    const answer = await this.#caller.once(`/system/rollback/${id}`, call, url);
    if (answer === null) this.#told.unanswered.push(id);
    if (answer?.status !== 200) return null;
    const { state } = answer.body as Rolled;
    this.#told.rollbacks.push({ id, ...state.tasks });
    return state;
  }

  /** The rollback takes the whole herd away, or brings it back. */
  async #goFarBack(url: string | undefined, sent: (sent: Sent) => void): Promise<void> {
    const before = this.#random.chance(0.5) ? await this.#checkpoint() : null;
    const parent = await this.#herd(LARGE);
    const recent = before ?? (await this.#checkpoint());
    if (before === null && parent !== null) await this.#disperse(parent);
    // Now and then with all that has come about since the oldest one.
    const id = this.#random.chance(0.3) ? ((await this.#all()).at(-1) ?? recent) : recent;
    const done = this.goBack(id, url);
    sent({ begun: this.#begun(done), answered: quietly(done), usualMs: this.#usualMs });
    await done;
  }

  /** Others are refused while it is under way. */
  async #begun(done: Promise<unknown>): Promise<void> {
    const before = this.#caller.refusedByRollback;
    const over = quietly(done).then(() => true);
    while (this.#caller.refusedByRollback === before) if (await Promise.race([over, pause(1, false)])) return;
    const from = performance.now();
    void done.then(
      (state) => {
        if (state !== null) this.#usualMs = (this.#usualMs + performance.now() - from) / 2;
      },
      () => undefined,
    );
  }

  /** A task with many children, one more than `size`. Null: it went with somebody else's rollback. */
  async #herd(size: number): Promise<string | null> {
    const name = `herd ${++this.#made} of ${this.#name}`;
    const parent = (await this.#submit('/tasks', name, { description: name, ...HERD })) as { id: string };
    const children = Array.from({ length: size }, (_, n) => ({
      description: `${n} in ${name}`,
      parent_id: parent.id,
      ...HERD,
    }));
    const batch = (await this.#submit('/tasks/batch', name, { tasks: children })) as { tasks: { id: string }[] } | null;
    if (batch === null) return null;
    for (const { id } of [parent, ...batch.tasks]) this.#told.herds.add(id);
    return parent.id;
  }

  async #submit(path: string, name: string, body: object): Promise<unknown> {
    const headers = { 'idempotency-key': name.replaceAll(' ', '-') };
    return (await this.#caller.call(path, { method: 'POST', body, headers, mayBe: ['validation_failed'] })).body;
  }

  /** Whether that came to anything. */
  async #disperse(parent: string): Promise<boolean> {
    const mayBe = ['task_not_found', 'invalid_transition'];
    return (await this.#caller.call(`/tasks/${parent}?cascade=true`, { method: 'DELETE', mayBe })).status === 204;
  }

  /** Lets out whom the guardian keeps out. */
  async #pardon(): Promise<void> {
    const { body } = await this.#caller.get('/workers');
    for (const { id, quarantine } of body as { id: string; quarantine: object | null }[]) {
      if (quarantine)
        await this.#caller.call(`/workers/${id}/release`, { method: 'POST', mayBe: ['worker_not_found'] });
    }
  }

  /** Calls off all that nobody can do. */
  async disperseAll(): Promise<void> {
    for (;;) {
      const { body } = await this.#caller.get('/tasks?status=queued&tag=herd&limit=1000');
      const herd = body as { id: string; parent_id: string | null }[];
      if (herd.length === 0) return;
      const { id, parent_id: parent } = herd[0]!;
      if (parent === null || !(await this.#disperse(parent))) await this.#disperse(id);
    }
  }
}

async function quietly(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined);
}
