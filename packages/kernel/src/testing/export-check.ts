import type { Piece } from '../core/archive.ts';
import type { ChainedEntry } from '../core/event.ts';
import { type MemoryEntry, memoryFrom } from '../core/memory.ts';
import { type Plan, planFrom } from '../core/plan.ts';
import { type Schedule, scheduleFrom } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { type Vote, voteFrom } from '../core/vote.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { Replay } from './replay.ts';

/**
 * Whether what was exported is a colony at one moment: one can be made of it, which is what its ledger comes to, and
 * whoever is at work holds what is under way. Answers its entries.
 */
export async function checkExport(
  pieces: readonly Piece[],
  complain: (text: string) => void,
): Promise<readonly ChainedEntry[]> {
  const entries = pieces.flatMap((piece) => (piece.kind === 'entries' ? piece.entries : []));
  const store = await SqliteStore.open({ path: ':memory:' });
  await store.restore(
    (async function* () {
      yield* pieces;
    })(),
  );
  const tasks = await readTasks(store);
  const replay = new Replay((text) => complain(`in an export: ${text}`));
  for (const entry of entries) replay.follow(entry);
  replay.compare(tasks, await readVotes(store), await readPlans(store));
  replay.schedules.compare(await readSchedules(store));
  replay.memory.compare(await readMemory(store));
  const held = (await store.workers()).flatMap(({ id, holds }) => holds.map((task) => `${task} ${id}`));
  const running = [...tasks.values()].filter(({ status }) => status === 'executing');
  const theirs = running.map(({ id, worker }) => `${id} ${worker}`);
  if (held.sort().join() !== theirs.sort().join()) complain(`in an export: held ${held}, running ${theirs}`);
  await store.close();
  return entries;
}

export async function readTasks(store: Store): Promise<Map<string, Task>> {
  const page = await store.tasks({ limit: 1_000_000, maxBytes: Number.POSITIVE_INFINITY });
  return new Map(page.items.map((task) => [task.id, task]));
}

export async function readPlans(store: Store): Promise<Plan[]> {
  return (await store.documents({ collection: 'plan', limit: 1_000_000 })).items.map(planFrom);
}

export async function readVotes(store: Store): Promise<Vote[]> {
  return (await store.documents({ collection: 'vote', limit: 1_000_000 })).items.map(voteFrom);
}

export async function readSchedules(store: Store): Promise<Schedule[]> {
  return (await store.documents({ collection: 'schedule', limit: 1_000_000 })).items.map(scheduleFrom);
}

/** What has expired as well, as long as nobody has removed it. */
export async function readMemory(store: Store): Promise<MemoryEntry[]> {
  const query = {
    collection: 'memory',
    prefix: '',
    limit: 1_000_000,
    maxCharacters: Number.POSITIVE_INFINITY,
  } as const;
  return (await store.documentsNamed(query)).items.map(memoryFrom);
}
