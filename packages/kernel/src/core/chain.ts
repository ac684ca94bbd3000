import { hash } from 'node:crypto';
import { timestamp } from './clock.ts';
import type { LedgerEntry } from './event.ts';

/**
 * The ledger's hash chain: each entry's hash covers the entry and the hash before it, so a changed, dropped, inserted
 * or reordered entry breaks every hash from there on.
 *
 *   hash = SHA-256( "colonyos.ledger.1" LF prev_hash LF canonical entry ), in lower-case hexadecimal
 *
 * The canonical entry is its JSON in the form of RFC 8785 with the members `actor`, `details`, `event_type`, `id`,
 * `source`, `timestamp`; before the first entry, prev_hash is 64 zeros. The "1" is the version of this form.
 */
export const GENESIS = '0'.repeat(64);

const PREFIX = 'colonyos.ledger.1\n';

/** The entry as it is hashed. `entry.data` must be canonical already. */
export function canonicalEntry(entry: LedgerEntry): string {
  return (
    `{"actor":${JSON.stringify(entry.actor)},"details":${entry.data},"event_type":"${entry.type}","id":${entry.id},` +
    `"source":"${entry.source}","timestamp":"${timestamp(entry.at)}"}`
  );
}

/** What a verdict or a vote binds to: the SHA-256 (hex) of a text. */
export function contentHash(text: string): string {
  return hash('sha256', text, 'hex');
}

export function chainHash(prevHash: string, canonical: string): string {
  return hash('sha256', `${PREFIX}${prevHash}\n${canonical}`, 'hex');
}
