import { setTimeout as sleep } from 'node:timers/promises';
import type { ColonyClient } from '@colonyos/client';
import type { StreamCheck, StreamRecord } from './stream-record.ts';
import { isEnd } from './trail.ts';

const PAGE = 1_000;
/** How long the stream may be behind the ledger before that counts as a gap. */
const CATCH_UP_MS = 5_000;

/** What the ledger says about a run. */
export interface LedgerCheck {
  readonly valid: boolean;
  readonly entries: number;
  readonly firstInvalidId: number | null;
  readonly stream: StreamCheck;
  /** How many `task_submitted` entries each task has, and how many that end it. */
  readonly submitted: ReadonlyMap<string, number>;
  readonly ended: ReadonlyMap<string, number>;
}

/** The number of the newest entry; 0 when there is none. */
export async function ledgerHead(client: ColonyClient): Promise<number> {
  return (await client.audit({ limit: 1 })).entries.at(-1)?.id ?? 0;
}

/** Has the chain verified, reads the run's part of the ledger and lays it beside what the stream has told. */
export async function checkLedger(client: ColonyClient, stream: StreamRecord): Promise<LedgerCheck> {
  const head = await ledgerHead(client);
  const deadline = performance.now() + CATCH_UP_MS;
  while (stream.last < head && performance.now() < deadline) await sleep(10);

  const submitted = new Map<string, number>();
  const ended = new Map<string, number>();
  for (let position = stream.from; position < head; ) {
    const { entries } = await client.audit({ since: position, limit: Math.min(PAGE, head - position) });
    for (const entry of entries) {
      stream.compare(entry);
      const id = entry.details.task_id;
      if (typeof id !== 'string') continue;
      if (entry.event_type === 'task_submitted') submitted.set(id, (submitted.get(id) ?? 0) + 1);
      else if (isEnd(entry.event_type)) ended.set(id, (ended.get(id) ?? 0) + 1);
    }
    const last = entries.at(-1);
    if (!last) break;
    position = last.id;
  }
  const { valid, entries, first_invalid_id } = await client.verifyAudit();
  return { valid, entries, firstInvalidId: first_invalid_id, stream: stream.check(), submitted, ended };
}
