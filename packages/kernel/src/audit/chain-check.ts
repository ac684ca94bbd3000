import { chainHash, GENESIS } from '../core/chain.ts';
import type { SignedHead } from '../core/head.ts';
import type { ExportedEntry } from './export-line.ts';

/** What is wrong with an export, and where. */
export interface Finding {
  readonly valid: false;
  /** Counted from 1; null: it is not about a line. */
  readonly line: number | null;
  /** The first entry that is not there as it was written; null: no entry is to blame, or it cannot be told which. */
  readonly id: number | null;
  /** A sentence for people. */
  readonly problem: string;
}

export function finding(line: number | null, id: number | null, problem: string): Finding {
  return { valid: false, line, id, problem };
}

/** Goes along the chain of an export, entry by entry, a line each. */
export class ChainCheck {
  readonly #noted: SignedHead | null;
  #last: ExportedEntry | null = null;
  #first: ExportedEntry | null = null;

  /** @param noted a head that must lie on the chain */
  constructor(noted: SignedHead | null) {
    this.#noted = noted;
  }

  /** The first and the last entry so far; null when there was none. */
  get first(): ExportedEntry | null {
    return this.#first;
  }

  get last(): ExportedEntry | null {
    return this.#last;
  }

  /** Takes the next entry; answers what is wrong, be it with this one or, as this one shows, with the one before it. */
  follow(entry: ExportedEntry, line: number): Finding | null {
    const last = this.#last;
    const due = last === null ? entry.id : last.id + 1;
    if (chainHash(entry.prevHash, entry.canonical) !== entry.hash) {
      return finding(line, due, `its content, its prev_hash or its hash was changed: they do not fit each other`);
    }
    const found =
      last === null ? atTheBeginning(entry, line) : (this.#outOfOrder(entry, line) ?? besides(last, entry, line));
    if (found !== null) return found;
    this.#last = entry;
    this.#first ??= entry;
    return this.#besideNoted(entry, line);
  }

  /** An export may begin with any entry, so only what follows shows that it begins with the wrong one. */
  #outOfOrder({ id }: ExportedEntry, line: number): Finding | null {
    const { id: first } = this.#first!;
    return id < first ? finding(1, id, `it stands on line ${line}, and the export begins with entry ${first}`) : null;
  }

  /** Whether the head that was noted is on the chain, if it was signed here. */
  #besideNoted(entry: ExportedEntry, line: number): Finding | null {
    const noted = this.#noted;
    if (noted === null) return null;
    const before = entry === this.#first && noted.entries === entry.id - 1;
    if (!before && noted.entries !== entry.id) return null;
    return (before ? entry.prevHash : entry.hash) === noted.hash ? null : rewritten(line, noted);
  }
}

/** What the noted head was over is not what is there now. */
export function rewritten(line: number, { entries, timestamp }: SignedHead): Finding {
  return finding(
    line,
    entries,
    `its hash is not the one that was noted, signed ${timestamp}: it, or entries before it, were rewritten since then`,
  );
}

function atTheBeginning({ id, prevHash }: ExportedEntry, line: number): Finding | null {
  if (id !== 1 || prevHash === GENESIS) return null;
  return finding(line, id, 'it is the first of all, so its prev_hash must be 64 zeros');
}

/** Both are well-formed in themselves; the question is whether the one follows the other, and which is to blame if not. */
function besides(last: ExportedEntry, entry: ExportedEntry, line: number): Finding | null {
  const due = last.id + 1;
  if (entry.id > due) {
    const missing = entry.id - 1 === due ? `it is missing` : `entries ${due} to ${entry.id - 1} are missing`;
    return finding(line, due, `${missing} here, where entry ${entry.id} stands: removed, or moved elsewhere`);
  }
  if (entry.id === due) {
    if (entry.prevHash === last.hash) return null;
    return finding(line - 1, last.id, `it was rewritten, with a new hash: entry ${due} was chained to another one`);
  }
  if (entry.id === last.id && entry.hash !== last.hash && entry.prevHash === last.prevHash) {
    return finding(line - 1, last.id, 'there are two of this number, here and on the next line: one was put in');
  }
  return finding(line, due, `entry ${entry.id} stands here, behind entry ${last.id}: repeated, or out of order`);
}
