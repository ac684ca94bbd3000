import type { Head, SignedHead } from '../core/head.ts';
import type { Ledger } from '../core/store.ts';
import { renderAuditEntry } from './render.ts';

const PAGE = 1000;

/** A head but for the colony's name and the time. */
export type Unsigned = Omit<Head, 'system_id' | 'timestamp'>;

/**
 * A page at a time, as fast as the reader takes them, up to what was the head when it began; that is signed at the end,
 * for exactly what was sent. Throws, which breaks the answer off, when retention has removed entries that were still to come.
 */
export async function* exportLedger(ledger: Ledger, sign: (head: Unsigned) => SignedHead) {
  await ledger.seal();
  const { first, sealedTo, hash } = await ledger.span();
  const head = { first_id: first, entries: sealedTo, hash };
  for (let position = first - 1; position < head.entries; ) {
    const entries = await ledger.read(position, Math.min(PAGE, head.entries - position));
    const next = entries[0]?.id ?? head.entries + 1;
    if (next !== position + 1) {
      const removed = position + 1;
      if (removed !== first) throw new Error(`ledger entry ${removed} was removed while it was being exported`);
      head.first_id = next;
    }
    position = entries.at(-1)?.id ?? head.entries;
    if (entries.length > 0) yield `${entries.map(renderAuditEntry).join('\n')}\n`;
  }
  yield `{"head":${JSON.stringify(sign(head))}}\n`;
}
