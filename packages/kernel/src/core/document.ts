import type { JsonObject } from './json.ts';

/**
 * What the parts of the colony keep beside tasks and workers: votes, policies, schedules … each in a collection of its
 * own. A store knows of a document only what it takes to find it; what it says is its collection's business.
 */
export interface Document {
  readonly collection: Collection;
  /** Unique within the collection; without spaces. */
  readonly id: string;
  /** 1 when first stored, +1 with every change. */
  readonly version: number;
  /** Where it stands, by which it can be listed; '' where that does not matter. */
  readonly state: string;
  /** Wall time; listings have the newest first, and of those of the same moment the one whose id is greater. */
  readonly createdAt: number;
  /** Wall time at which the sweeper is to look at it; null when no time is waited for. */
  readonly dueAt: number | null;
  /** Wall time since which it is of no more use: retention removes it as it removes tasks that ended then. */
  readonly endedAt: number | null;
  readonly body: JsonObject;
}

export const COLLECTIONS = [
  'bucket',
  'checkpoint',
  'checkpoint_numbering',
  'memory',
  'memory_scope',
  'plan',
  'plan_tasks',
  'policy',
  'quarantine',
  'releasing',
  'schedule',
  'vote',
] as const;
export type Collection = (typeof COLLECTIONS)[number];

/** Which of them are part of checkpoints: a rollback makes their documents what they were. */
export const IN_CHECKPOINTS: Readonly<Record<Collection, boolean>> = {
  bucket: false,
  checkpoint: false,
  checkpoint_numbering: false,
  memory: true,
  memory_scope: true,
  plan: true,
  plan_tasks: true,
  policy: false,
  quarantine: false,
  releasing: true,
  schedule: true,
  vote: true,
};

/** What a document is called among those of all collections. */
export function nameOf({ collection, id }: Pick<Document, 'collection' | 'id'>): string {
  return `${collection} ${id}`;
}

/** About how long what it says is as text, without writing it: what may be very long in it is a string. */
export function lengthOf({ body }: Pick<Document, 'body'>): number {
  let length = 0;
  for (const member of Object.values(body)) {
    length += typeof member === 'string' ? member.length : JSON.stringify(member).length;
  }
  return length;
}

export function collectionOf(name: string): Collection {
  return name.slice(0, name.indexOf(' ')) as Collection;
}
