import { COLLECTIONS, type Collection } from '../core/document.ts';
import type { Saved } from '../core/saved.ts';
import type { LedgerQuery, Store } from '../core/store.ts';
import { TASK_STATUSES, type Task } from '../core/task.ts';
import { DAWN, plain } from './scribe.ts';

/** What cannot be listed and must be asked for by name. */
export interface Names {
  /** Tasks that are there or were removed. */
  readonly tasks: readonly string[];
  readonly keys: readonly string[];
}

/**
 * Everything a caller could ask of a store, to be compared with what another one answers.
 * @param steady whether both go by the same steady clock; if not, only that there is a deadline can be compared
 */
export async function portrait(store: Store, names: Names, steady = true): Promise<unknown> {
  await store.ledger.seal();
  const shown = (task: Task) => ({ ...plain(task), ...(steady ? {} : { deadline: task.deadline !== null }) });
  const list = async (query: object) =>
    (await store.tasks({ limit: 10_000, maxBytes: Number.POSITIVE_INFINITY, ...query })).items;
  const ask = async (query: Partial<LedgerQuery>) => (await store.ledger.query({ limit: 10_000, ...query })).map(idOf);
  const tasks = await list({});
  const workers = [...(await store.workers())].sort(byId);
  const survey = await store.survey();
  const lanes = [...survey.lanes.values()].map(({ key, requirements }) => ({ key, requirements }));
  const heads = (await store.load({ lanes: lanes.map(({ key }) => ({ lane: key, after: null, limit: 100 })) })).lanes;
  const due = await store.due({ wall: DAWN * 2, steady: DAWN * 2 }, 100);
  const span = await store.ledger.span();
  const entries = await store.ledger.read(span.first - 1, 10_000);
  const tags = tasks.flatMap((task) => task.spec.value.tags);
  const creators = tasks.map((task) => task.spec.value.created_by);
  const plans = tasks.flatMap(({ plan }) => plan ?? []);
  const holders = [...workers.map(({ id }) => id), ...tasks.flatMap(({ worker }) => worker ?? [])];
  const related = await store.load({ allDependents: names.tasks, allDescendants: names.tasks });
  return {
    tasks: tasks.map(shown),
    listed: [
      await each(TASK_STATUSES, async (status) => (await list({ status })).map(idOf)),
      await each(tags, async (tag) => (await list({ tag })).map(idOf)),
      await each(creators, async (createdBy) => (await list({ createdBy })).map(idOf)),
      await each(plans, async (planId) => (await list({ planId })).map(idOf)),
      await each(holders, async (workerId) => (await list({ workerId })).map(idOf)),
    ],
    known: await each(names.tasks, async (id) => {
      const task = (await store.load({ tasks: [id] })).tasks.get(id);
      return task && !('removed' in task) ? shown(task) : task;
    }),
    relatives: [related.dependents, related.children].map((relation) =>
      [...relation].map(([id, others]) => [id, others.map(idOf).sort()]).sort(),
    ),
    workers,
    documents: await each(COLLECTIONS, (collection) => documentsOf(store, collection)),
    counts: { ...survey.tasks, attempts: { ...survey.attempts } },
    saving: survey.saving,
    saved: (await kept(store)).map((one) => (one.kind === 'task' ? { ...one, ...both(one, shown) } : one)),
    lanes: lanes.sort((a, b) => a.key.localeCompare(b.key)),
    queue: [...heads].map(([key, head]) => [key, head.tasks.map(idOf)]).sort(),
    oldest: await store.oldestQueued(),
    due: {
      ready: due.ready.toSorted(byDueTime).map(shown),
      overdue: steady ? due.overdue.map(shown) : due.overdue.map(idOf).sort(),
      documents: due.documents,
      next: [due.nextReadyAt, steady ? due.nextDeadline : due.nextDeadline !== null],
    },
    keys: [...(await store.load({ idempotency: names.keys })).idempotency],
    ledger: entries,
    span,
    verification: await store.ledger.verify(),
    histories: await each(names.tasks, (taskId) => ask({ taskId })),
    audit: [
      await each(
        entries.map(({ type }) => type),
        (type) => ask({ type }),
      ),
      await each(
        entries.map(({ actor }) => actor),
        (actor) => ask({ actor }),
      ),
      await each(
        entries.flatMap(({ workerId }) => workerId ?? []),
        (workerId) => ask({ workerId }),
      ),
      await ask({ actor: 'kernel', since: span.first + 3 }),
    ],
  };
}

/** All of a collection's documents, and those of each state. */
async function documentsOf(store: Store, collection: Collection): Promise<unknown> {
  const all = (await store.documents({ collection, limit: 1000 })).items;
  const states = await each(
    all.map(({ state }) => state),
    async (state) => (await store.documents({ collection, state, limit: 1000 })).items.map(idOf),
  );
  return { all, states };
}

/** All that may not be what it was at a checkpoint, page by page. */
export async function savedSince(store: Store, since: number, limit = 100): Promise<Saved[]> {
  const items: Saved[] = [];
  let after: string | null = null;
  do {
    const page = await store.saved({ since, after, limit });
    items.push(...page.items);
    after = page.next;
  } while (after !== null);
  return items;
}

/** All that is kept, under whatever number. */
async function kept(store: Store): Promise<Saved[]> {
  const found: Saved[] = [];
  for (let since = 0; ; since = found.at(-1)!.number + 1) {
    const [first, ...others] = await savedSince(store, since);
    if (!first) return found;
    found.push(first, ...others.filter(({ number }) => number === first.number));
  }
}

function both({ saved, current }: { saved: Task | null; current: Task | null }, shown: (task: Task) => object): object {
  return { saved: saved && shown(saved), current: current && shown(current) };
}

async function each<N extends string, T>(
  names: readonly N[],
  answer: (name: N) => Promise<T>,
): Promise<Record<string, T>> {
  const answers: Record<string, T> = {};
  for (const name of [...new Set(names)].sort()) answers[name] = await answer(name);
  return answers;
}

function idOf<T>({ id }: { readonly id: T }): T {
  return id;
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id.localeCompare(b.id);
}

/** Of those that are due in the same moment, none has to be first. */
function byDueTime(a: Task, b: Task): number {
  return a.dueAt! - b.dueAt! || a.seq - b.seq;
}
