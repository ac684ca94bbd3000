import type { Figures } from '../core/checkpoint.ts';
import { collectionOf } from '../core/document.ts';
import type { Saved } from '../core/saved.ts';
import type { Put, Store } from '../core/store.ts';
import { rewound } from '../guardian/rewind.ts';
import { isSeen, revived } from './reviving.ts';

const PAGE = 200;

/** One thing that a rollback would change. */
export interface Difference {
  readonly kind: Saved['kind'];
  readonly id: string;
  /** As it stands, and as it would stand; null: it is not there. */
  readonly from: string | null;
  readonly to: string | null;
}

/** How much a rollback to the checkpoint of this number would change. */
export async function figuresSince(store: Store, number: number, wall: number): Promise<Figures> {
  const tasks = { restored: 0, removed: 0, requeued: (await store.survey()).tasks.executing };
  const votes = { restored: 0, removed: 0 };
  const plans = { restored: 0, removed: 0 };
  const schedules = { restored: 0, removed: 0 };
  const memory = { restored: 0, removed: 0 };
  for await (const item of savedSince(store, number)) {
    for (const put of rewound(item, wall, 0, revived)) {
      if (put.kind === 'remains') continue;
      const end = put.next === null ? 'removed' : 'restored';
      if (put.kind === 'task') {
        tasks[end]++;
        if (put.prev?.status === 'executing') tasks.requeued--;
      } else if (put.kind === 'document') {
        const collection = collectionOf(item.id);
        if (collection === 'vote') votes[end]++;
        else if (collection === 'plan') plans[end]++;
        else if (collection === 'schedule') schedules[end]++;
        else if (collection === 'memory' && isSeen(put)) memory[end]++;
      }
    }
  }
  return { tasks, votes, plans, schedules, memory };
}

async function* savedSince(store: Store, since: number): AsyncGenerator<Saved> {
  for (let after: string | null = null; ; ) {
    const page = await store.saved({ since, after, limit: PAGE });
    yield* page.items;
    if (page.next === null) return;
    after = page.next;
  }
}

/** What a rollback would change of these. What is left of a task that is not there is no difference to anybody who looks. */
export function differencesOf(items: readonly Saved[], wall: number): Difference[] {
  // Which key is which task of a plan goes with the plan, and what a scope holds with its entries.
  const hidden = ['plan_tasks', 'memory_scope'];
  const shown = items.filter(({ kind, id }) => kind !== 'document' || !hidden.includes(collectionOf(id)));
  return shown.flatMap((item) =>
    rewound(item, wall, 0, revived).flatMap((put): Difference[] =>
      put.kind === 'remains' || (put.kind === 'document' && !isSeen(put))
        ? []
        : [{ kind: item.kind, id: item.id, from: standingOf(put.prev), to: standingOf(put.next) }],
    ),
  );
}

function standingOf(record: Exclude<Put, { kind: 'remains' }>['next']): string | null {
  if (record === null) return null;
  if ('status' in record) return record.status;
  if ('collection' in record && record.collection === 'memory') return 'kept';
  return 'state' in record ? record.state : 'used';
}
