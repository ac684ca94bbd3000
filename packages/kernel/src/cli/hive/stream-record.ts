import type { AuditEntry, ColonyEvent } from '@colonyos/client';

/** How the event stream and the ledger agree. */
export interface StreamCheck {
  /** The position that the stream was followed from, and the last entry it was compared with. */
  readonly from: number;
  readonly to: number;
  readonly events: number;
  /** Numbers that the stream left out or repeated. */
  readonly gaps: number;
  /** The first entry that the stream told otherwise, or not at all. */
  readonly firstDifference: number | null;
}

/** Remembers of every event only its number and a fingerprint, so that a long run costs little memory. */
export class StreamRecord {
  readonly from: number;
  readonly #fingerprints: number[] = [];
  #last: number;
  #gaps = 0;
  #compared: number;
  #firstDifference: number | null = null;

  /** @param from the id of the last event before the stream begins */
  constructor(from: number) {
    this.from = from;
    this.#last = from;
    this.#compared = from;
  }

  get last(): number {
    return this.#last;
  }

  hear({ id, type, timestamp, source, data }: ColonyEvent): void {
    if (id === undefined) return;
    if (id !== this.#last + 1) this.#gaps++;
    this.#last = Math.max(this.#last, id);
    this.#fingerprints[id - this.from] = fingerprint(type, timestamp, source, data);
  }

  /** To be called with every ledger entry after `from`, in order. */
  compare({ id, event_type, timestamp, source, details }: AuditEntry): void {
    const told = this.#fingerprints[id - this.from];
    const same = id === this.#compared + 1 && told === fingerprint(event_type, timestamp, source, details);
    this.#compared = id;
    if (!same) this.#firstDifference ??= id;
  }

  check(): StreamCheck {
    const unheard = this.#compared > this.#last ? this.#last + 1 : null;
    return {
      from: this.from,
      to: this.#compared,
      events: this.#last - this.from,
      gaps: this.#gaps,
      firstDifference: this.#firstDifference ?? unheard,
    };
  }
}

/** FNV-1a: 32 bits are enough to notice a difference that nobody intends. */
function fingerprint(...parts: readonly unknown[]): number {
  const text = JSON.stringify(parts);
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
