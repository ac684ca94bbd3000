import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Document, nameOf } from '../../core/document.ts';
import type { Saved } from '../../core/saved.ts';
import type { IdempotencyRecord, Put } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { savedSince } from '../portrait.ts';
import { aDocument, after, DAWN, insert, plain, type Scribe, update } from '../scribe.ts';
import { at } from './checkpoints.ts';
import { type Driver, openFor } from './driver.ts';

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), oldest: fc.nat(3) }) },
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
  readonly copies = new Map<number, Copy>();

  copy(): Copy {
    const shown: [string, unknown][] = [...this.tasks].map(([id, task]) => [`task ${id}`, plain(task)]);
    for (const [name, one] of this.documents) if (one.collection === 'vote') shown.push([`document ${name}`, one]);
    for (const [key, record] of this.keys) shown.push([`idempotency ${key}`, record]);
    return new Map(shown);
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

  async put(kind: 'task' | 'vote' | 'policy' | 'key', n: number, removing: boolean): Promise<Put> {
    if (kind === 'task') return this.#task(`t${n}`, removing);
    return kind === 'key' ? this.#key(`k${n}`, removing) : this.#document(kind, `d${n}`, removing);
  }

  async #task(id: string, removing: boolean): Promise<Put> {
    const { tasks, gone } = this.model;
    const prev = tasks.get(id) ?? null;
    const made = ++this.#made;
    // Of what comes and goes in one commit nobody has ever heard.
    if (prev && removing && !this.#fresh.has(id)) {
      tasks.delete(id);
      gone.set(id, prev);
      return { kind: 'task', prev, next: null };
    }
    const last = prev ?? gone.get(id);
    if (!prev) this.#fresh.add(id);
    const next = last
      ? after(last, { losses: made, leaseToken: last.leaseToken + 1, status: made % 2 ? 'queued' : 'executing' })
      : await this.#scribe.draft({ tags: [`${made}`] }, { id, leaseToken: 1 });
    tasks.set(id, next);
    return { kind: 'task', prev, next };
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
    if (item.saved === null) then.delete(name);
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
      } else {
        author.begin();
        const units = one.stale ? [{ ...update(stale, after(stale, {})), puts: [dead(stale)] }] : [];
        for (const [kind, n, removing] of one.what) {
          units.push({ puts: [await author.put(kind, n, removing)], events: insert({ ...stale, id: `t${n}` }).events });
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
      }
    }
  }
}

/** A change of what it no longer is. */
function dead(now: Task): Put {
  const old = { ...now, version: now.version - 1 };
  return { kind: 'task', prev: old, next: after(old, { losses: 99 }) };
}
