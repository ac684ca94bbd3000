import type { LedgerEntry } from '../core/event.ts';

/** What a consumer wants to see. */
export interface Interest {
  /** Replay what came after this entry, then go on live; null: live only. */
  readonly since: number | null;
  /** Event types, `*` at the end matching any rest (`task_*`); null: all. */
  readonly types: readonly string[] | null;
  readonly taskId: string | null;
}

/** One end of an event stream: a WebSocket or an SSE response. */
export interface Consumer {
  /** Each text is one event's JSON, ready for the wire; `id` is null for ephemeral ones. */
  send(events: readonly { readonly id: number | null; readonly json: string }[]): void;
  /** Bytes handed over and not yet taken by the network. */
  backlog(): number;
  /** The stream is over: it was too slow (1013), or the kernel stops (1001). */
  end(reason: 'slow' | 'stopping'): void;
}

/** Returned by `EventRelay.subscribe`. */
export interface Subscription {
  /** The network has taken what was sent: there is room again. */
  drained(): void;
  close(): void;
}

/** The event's JSON as watchers see it: `{"id","type","data","timestamp","source"}`. */
export declare function wireEvent(entry: LedgerEntry): string;

export declare class EventRelay {
  /** Refuses (`position_gone`) a `since` that is before what the ledger still keeps, or beyond its head. */
  subscribe(interest: Interest, consumer: Consumer): Subscription | import('../core/errors.ts').Refusal;
}
