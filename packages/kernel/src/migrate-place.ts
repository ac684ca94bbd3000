import { VARIABLES } from './config.ts';
import { withoutPassword } from './config-values.ts';
import type { Store } from './core/store.ts';
import { RedisStore } from './store/redis/store.ts';
import { SqliteStore } from './store/sqlite/store.ts';

/** Where a colony lives: in a SQLite file, or under a name on a Redis. */
export type Place =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string; readonly colony: string };

/** Throws an Error with a sentence when the text names no place. */
export function placeOf(text: string, colony: () => string): Place {
  if (VARIABLES.messageQueueUrl.parse(text) !== undefined && URL.canParse(text)) {
    return { kind: 'redis', url: text, colony: colony() };
  }
  if (text.trim() === '' || text === ':memory:' || /^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new Error(
      `${JSON.stringify(withoutPassword(text))} is neither the path of a SQLite file nor redis://host:port`,
    );
  }
  return { kind: 'sqlite', path: text };
}

export interface Opened {
  readonly store: Store;
  /** Whether no kernel has been there since it was opened. */
  isUndisturbed(): Promise<boolean>;
}

/** Opens a place for somebody who is no kernel. @param clear removes what a move that was not finished has left there */
export async function open(place: Place, clear: boolean): Promise<Opened> {
  try {
    if (place.kind === 'sqlite') {
      const store = await SqliteStore.open({ path: place.path, clear });
      // Its lock keeps kernels out.
      return { store, isUndisturbed: async () => true };
    }
    const store = await RedisStore.openAlone({ url: place.url, colony: place.colony, clear });
    return { store, isUndisturbed: () => store.isUndisturbed() };
  } catch (fault) {
    throw about(place, fault);
  }
}

export function about(place: Place, fault: unknown): Error {
  return new Error(`${nameOf(place)}: ${(fault as Error).message}`, { cause: fault });
}

export function nameOf(place: Place): string {
  return place.kind === 'sqlite' ? place.path : `colony ${place.colony} on ${withoutPassword(place.url)}`;
}
