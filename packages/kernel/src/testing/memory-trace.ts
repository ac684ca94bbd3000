import type { LedgerEntry } from '../core/event.ts';
import type { MemoryEntry } from '../core/memory.ts';

interface Traced {
  readonly hash: string;
  /** Null: a rollback has brought it back, with a version of its own. */
  readonly version: number | null;
}

/** An entry as it is stored, or as much of it as somebody sees from outside. */
export type SeenEntry = Pick<MemoryEntry, 'scope' | 'key' | 'version'> & { readonly hash?: string };

interface Data {
  readonly scope: string;
  readonly key: string;
  readonly version: number;
  readonly hash?: string;
}

/** What the ledger says of the memory: no version of a key is ever used twice, and what is there is what was put last. */
export class MemoryTrace {
  readonly #complain: (text: string) => void;
  /** The highest of each key, also of those that are gone. */
  readonly #highest = new Map<string, number>();
  /** All that was ever put: what it is called, and its version. */
  readonly written = new Set<string>();
  entries = new Map<string, Traced>();

  constructor(complain: (text: string) => void) {
    this.#complain = complain;
  }

  follow({ type, data: text }: Pick<LedgerEntry, 'type' | 'data'>): void {
    if (type === 'memory_embedded') return;
    const { scope, key, version, hash } = JSON.parse(text) as Data;
    const id = `${scope}/${key}`;
    const before = this.entries.get(id);
    if (type === 'memory_deleted') {
      if (!before) this.#complain(`memory ${id} was deleted, and was not there`);
      else if (before.version !== null && before.version !== version)
        this.#complain(`memory ${id} was deleted at version ${version}, and was at ${before.version}`);
      this.entries.delete(id);
    } else {
      if (version <= (this.#highest.get(id) ?? 0)) this.#complain(`version ${version} of memory ${id} was used before`);
      this.entries.set(id, { hash: hash!, version });
      this.written.add(`${id} ${version}`);
    }
    this.#highest.set(id, Math.max(version, this.#highest.get(id) ?? 0));
  }

  /** What says the same as before keeps its version; all else that is brought back has a new one. */
  goBack(to: Map<string, Traced>): void {
    for (const [id, { hash }] of to) {
      const now = this.entries.get(id);
      to.set(id, now?.hash === hash ? now : { hash, version: null });
    }
    this.entries = to;
  }

  /** @param only of this scope: in others a kernel may write as long as it runs */
  compare(all: readonly SeenEntry[], only?: string): void {
    const seen = all.filter(({ scope }) => only === undefined || scope === only);
    const traced = [...this.entries.keys()].filter((id) => only === undefined || id.startsWith(`${only}/`));
    for (const { scope, key, version, hash } of seen) {
      const id = `${scope}/${key}`;
      const trace = this.entries.get(id);
      if (!trace) this.#complain(`memory ${id} is there, and the ledger does not tell of it`);
      else if (trace.version === null ? version <= (this.#highest.get(id) ?? 0) : version !== trace.version)
        this.#complain(`memory ${id} is at version ${version}, the ledger says ${trace.version ?? 'a new one'}`);
      else if (hash !== undefined && hash !== trace.hash) this.#complain(`memory ${id} is not what was put`);
    }
    if (seen.length !== traced.length)
      this.#complain(`${seen.length} entries in memory, the ledger says ${traced.length}`);
  }
}
