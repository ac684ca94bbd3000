import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Document, nameOf } from '../../core/document.ts';
import type { Saved } from '../../core/saved.ts';
import type { IdempotencyRecord, Put } from '../../core/store.ts';
import type { Task, TaskStatus } from '../../core/task.ts';
import { savedSince } from '../portrait.ts';
import { aDocument, after, DAWN, insert, plain, type Scribe, update } from '../scribe.ts';
import { at } from './checkpoints.ts';
import { type Driver, openFor } from './driver.ts';

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), oldest: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retention' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      what: fc.array(fc.tuple(fc.constantFrom('task', 'vote', 'policy', 'key'), fc.nat(4), fc.boolean()), {
        minLength: 1,
        maxLength: 5,
      }),
      /** Begins with a unit that comes to nothing. */
      stale: fc.boolean(),
    }),
  },
);

type Copy = ReadonlyMap<string, unknown>;

/** All there is, copied whole at each checkpoint: what saving is to spare. */
class Naive {
  readonly tasks = new Map<string, Task>();
  /** As they were when they went. */
  readonly gone = new Map<string, Task>();
  readonly documents = new Map<string, Document>();
  readonly keys = new Map<string, IdempotencyRecord>();
  /** How those had ended of which something is left. */
  readonly left = new Map<string, TaskStatus>();
  readonly copies = new Map<number, Map<string, unknown>>();
  /** After which checkpoint a task was last changed by a commit. */
  readonly changed = new Map<string, number>();

  copy(): Map<string, unknown> {
    const shown: [string, unknown][] = [...this.tasks].map(([id, task]) => [`task ${id}`, plain(task)]);
    for (const [id, status] of this.left) shown.push([`task ${id}`, { left: status }]);
    for (const [name, one] of this.documents) if (one.collection === 'vote') shown.push([`document ${name}`, one]);
    for (const [key, record] of this.keys) shown.push([`idempotency ${key}`, record]);
    return new Map(shown);
  }

  /** Nothing is kept of what retention removes: also for those who go back to where it had not changed since it is gone. */
  retain(): void {
    for (const [id, task] of this.tasks) {
      if (task.completedAt === null) continue;
      this.tasks.delete(id);
      this.gone.set(id, task);
      this.left.set(id, task.status);
      for (const [number, copy] of this.copies) {
        if (number > (this.changed.get(id) ?? 0)) copy.set(`task ${id}`, { left: task.status });
      }
    }
  }
}

/** Changes one record, makes it where there is none, or removes it. */
class Author {
  readonly model: Naive;
  readonly #scribe: Scribe;
  /** Tasks that were not there before this commit. */
  readonly #fresh = new Set<string>();
  #made = 0;

  constructor(scribe: Scribe, model: Naive) {
    this.#scribe = scribe;
    this.model = model;
  }

  begin(): void {
    this.#fresh.clear();
  }

  async puts(kind: 'task' | 'vote' | 'policy' | 'key', n: number, removing: boolean): Promise<Put[]> {
    if (kind === 'task') return this.#task(`t${n}`, removing);
    return [kind === 'key' ? this.#key(`k${n}`, removing) : this.#document(kind, `d${n}`, removing)];
  }

  async #task(id: string, removing: boolean): Promise<Put[]> {
    const { tasks, gone, left, changed, copies } = this.model;
    changed.set(id, Math.max(0, ...copies.keys()));
    const prev = tasks.get(id) ?? null;
    const made = ++this.#made;
    // Of what comes and goes in one commit nobody has ever heard.
    if (prev && removing && !this.#fresh.has(id)) {
      tasks.delete(id);
      gone.set(id, prev);
      return [{ kind: 'task', prev, next: null }, ...this.#remains(id, made)];
    }
    if (!prev && removing && gone.has(id) && made % 2) return this.#remains(id, made);
    const last = prev ?? gone.get(id);
    if (!prev) this.#fresh.add(id);
    const status = (['queued', 'executing', 'failed'] as const)[made % 3]!;
    const completedAt = status === 'failed' ? DAWN - 1 : null;
    const next = last
      ? after(last, { losses: made, leaseToken: last.leaseToken + 1, status, completedAt })
      : await this.#scribe.draft({ tags: [`${made}`] }, { id, leaseToken: 1 });
    tasks.set(id, next);
    left.delete(id);
    return [{ kind: 'task', prev, next }];
  }

  /** What is left of one that is not there is to say something, or nothing. */
  #remains(id: string, made: number): Put[] {
    const status = ([null, 'completed', 'cancelled'] as const)[made % 3]!;
    if (status) this.model.left.set(id, status);
    else this.model.left.delete(id);
    return [{ kind: 'remains', id, status }];
  }

  #document(collection: 'vote' | 'policy', id: string, removing: boolean): Put {
    const { documents } = this.model;
    const name = nameOf({ collection, id });
    const prev = documents.get(name) ?? null;
    const body = { made: ++this.#made };
    const next = prev ? (removing ? null : after(prev, { body })) : aDocument({ collection, id, body });
    if (next) documents.set(name, next);
    else documents.delete(name);
    return { kind: 'document', prev, next };
  }

  #key(key: string, removing: boolean): Put {
    const { keys } = this.model;
    const prev = keys.get(key) ?? null;
    const next = prev && removing ? null : { key, bodyHash: 'x', taskIds: ['t'], at: DAWN + ++this.#made };
    if (next) keys.set(key, next);
    else keys.delete(key);
    return { kind: 'idempotency', prev, next };
  }
}

/** What it was comes in the place of what it is. */
function applied(now: Copy, items: readonly Saved[]): Copy {
  const then = new Map(now);
  for (const item of items) {
    const name = `${item.kind} ${item.id}`;
    if (item.kind === 'task' && item.left.saved) then.set(name, { left: item.left.saved });
    else if (item.saved === null) then.delete(name);
    else then.set(name, item.kind === 'task' ? plain(item.saved as Task) : item.saved);
  }
  return then;
}

function sorted(copy: Copy): [string, unknown][] {
  return [...copy].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whatever is committed, and whenever: what is kept brings back each checkpoint, exactly. */
export function checkpointsModel(driver: Driver): void {
  test('what is kept since a checkpoint makes of what there is exactly what there was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 9 }), live),
      { numRuns: 25, interruptAfterTimeLimit: 8000 },
    );
  });

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
  async function live(steps: Step[], limit: number): Promise<void> {
    const scribe = await openFor(driver);
    const author = new Author(scribe, new Naive());
    const { model } = author;
    const stale = await scribe.change(await scribe.add(), { losses: 1 });
    model.tasks.set(stale.id, stale);
    let number = 0;
    for (const one of steps) {
      if (one.kind === 'checkpoint') {
        await scribe.save(at(++number));
        model.copies.set(number, model.copy());
      } else if (one.kind === 'forget') {
        const below = Math.min(one.oldest, number);
        while ((await scribe.store.forgetSaved(below, limit)) > 0);
        for (const kept of model.copies.keys()) if (kept < below) model.copies.delete(kept);
      } else if (one.kind === 'retention') {
        await scribe.store.prune({ endedBefore: DAWN, ledgerBefore: null, idempotencyBefore: 0 }, 100);
        model.retain();
      } else {
        author.begin();
        const units = one.stale ? [{ ...update(stale, after(stale, {})), puts: [dead(stale)] }] : [];
        for (const [kind, n, removing] of one.what) {
          units.push({ puts: await author.puts(kind, n, removing), events: insert({ ...stale, id: `t${n}` }).events });
        }
        const { outcomes } = await scribe.store.commit(units, scribe.at);
        expect(outcomes.map((outcome) => outcome === 'committed')).toEqual(units.map((_, n) => !one.stale || n > 0));
      }
    }
    for (const [checkpoint, copy] of model.copies) {
      const items = await savedSince(scribe.store, checkpoint, limit);
      expect(new Set(items.map(({ kind, id }) => `${kind} ${id}`)).size).toBe(items.length);
      expect(sorted(applied(model.copy(), items))).toEqual(sorted(copy));
      for (const item of items) {
        if (item.kind !== 'task') continue;
        const last = model.tasks.get(item.id) ?? model.gone.get(item.id);
        const known = { version: last?.version, leaseToken: last?.leaseToken };
        expect({ version: item.version, leaseToken: item.leaseToken }).toEqual(known);
        expect(item.left.current).toBe(model.left.get(item.id) ?? null);
      }
    }
  }
}

/** A change of what it no longer is. */
function dead(now: Task): Put {
  const old = { ...now, version: now.version - 1 };
  return { kind: 'task', prev: old, next: after(old, { losses: 99 }) };
}
