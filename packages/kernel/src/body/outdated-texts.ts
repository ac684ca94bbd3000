import type { Document } from '../core/document.ts';
import type { Store } from '../core/store.ts';

const PAGE = { limit: 64, maxCharacters: 500_000 };

export interface OutdatedTextsOptions {
  readonly store: Pick<Store, 'documentsNamed'>;
  /** Whether a scope holds what says nothing to the model that is in use. */
  readonly isOutdated: (scope: Document) => boolean;
  /** Whether an entry is one of those. */
  readonly isWanted: (entry: Document) => boolean;
}

/** Goes through memory for what another model has found out, which was in use before: a page of one scope at a time. */
export class OutdatedTexts {
  readonly #options: OutdatedTextsOptions;
  /** Scopes up to here have been looked at; and the one that is being gone through. */
  #scopesAfter = '';
  #scope: { readonly name: string; readonly after: string } | null = null;

  constructor(options: OutdatedTextsOptions) {
    this.#options = options;
  }

  /** Ids of entries; null: there is nothing to go through at the moment. */
  async next(): Promise<readonly string[] | null> {
    const { store, isWanted } = this.#options;
    this.#scope ??= await this.#nextScope();
    if (this.#scope === null) return null;
    const { name, after } = this.#scope;
    const query = { collection: 'memory', prefix: `${name}/`, ...behind(after), ...PAGE } as const;
    const { items, more } = await store.documentsNamed(query);
    this.#scope = more ? { name, after: items.at(-1)!.id } : null;
    return items.filter(isWanted).map(({ id }) => id);
  }

  async #nextScope(): Promise<{ name: string; after: string } | null> {
    const { store, isOutdated } = this.#options;
    const query = { collection: 'memory_scope', prefix: '', ...behind(this.#scopesAfter), ...PAGE } as const;
    const { items, more } = await store.documentsNamed(query);
    const found = items.find(isOutdated);
    this.#scopesAfter = found?.id ?? (more ? items.at(-1)!.id : '');
    return found ? { name: found.id, after: '' } : null;
  }
}

function behind(id: string): { readonly after?: string } {
  return id === '' ? {} : { after: id };
}
