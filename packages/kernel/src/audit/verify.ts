import { GENESIS } from '../core/chain.ts';
import { headText, type SignedHead } from '../core/head.ts';
import { linesOf } from '../core/lines.ts';
import { PublicKey } from '../signing/public-key.ts';
import { ChainCheck, type Finding, finding, rewritten } from './chain-check.ts';
import { isHeadLine, readEntry, readHeadLine } from './export-line.ts';

/** No entry comes near this: it holds less than the body of a request, which is 1 MiB at most. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** What whoever checks an export brings along, having it from elsewhere. */
export interface Trust {
  /** Null: the key of the noted head, or else of the export itself, which shows only that the export agrees with itself. */
  readonly publicKey: PublicKey | null;
  /** A head from earlier, which must lie on the export's chain. */
  readonly noted: SignedHead | null;
}

/** Nothing is wrong with it. */
export interface Proven {
  readonly valid: true;
  /** How many entries it holds: the newest ones that the head is over. */
  readonly held: number;
  readonly head: SignedHead;
}

/**
 * Checks an export of the ledger with nothing but a public key, a piece at a time, up to the first thing that is wrong.
 * @param chunks the export as it was received, to the byte
 */
export async function verifyExport(chunks: AsyncIterable<Buffer>, trust: Trust): Promise<Proven | Finding> {
  const { noted } = trust;
  const key = trust.publicKey ?? (noted && PublicKey.fromBase64(noted.public_key));
  const doubt = noted && signatureProblem(noted, key);
  if (doubt) return finding(null, null, `the noted head ${doubt}`);

  const chain = new ChainCheck(noted);
  let head: SignedHead | null = null;
  let line = 0;
  for await (const lines of linesOf(chunks, LONGEST_LINE)) {
    for (const text of lines) {
      line++;
      if (head !== null) return finding(line, null, 'something was added behind the signed head, which ends an export');
      if (isHeadLine(text)) {
        head = readHeadLine(text);
        if (head === null) return finding(line, null, 'the signed head is not as the kernel writes it: it was changed');
        const problem = signatureProblem(head, key);
        if (problem !== null) return finding(line, null, `the signed head ${problem}`);
        continue;
      }
      const entry = readEntry(text);
      const found = entry === null ? notAnEntry(chain, line) : chain.follow(entry, line);
      if (found !== null) return found;
    }
  }
  if (head === null) return cutOff(chain, line + 1, 'the signed head is missing, with which an export ends');
  return besideHead(chain, head, line) ?? (noted && besideNoted(chain, head, noted, line)) ?? proven(chain, head);
}

/** @param key the only one that may have signed it; null: whichever it names */
function signatureProblem(head: SignedHead, key: PublicKey | null): string | null {
  const own = PublicKey.fromBase64(head.public_key);
  if (own?.id !== head.key_id) return 'names a key that is not its public key: it was changed';
  if (key !== null && own.base64 !== key.base64) {
    return `was signed with the key ${own.id}, and not with the expected one, ${key.id}: it is not this colony's, or it was forged`;
  }
  return own.verify(headText(head, head.key_id), head.signature)
    ? null
    : 'does not fit its signature: it was changed, or forged';
}

function notAnEntry(chain: ChainCheck, line: number): Finding {
  const due = chain.last === null ? null : chain.last.id + 1;
  return finding(line, due, 'this is no entry as the kernel writes it, to the byte: it was changed, or cut');
}

function cutOff({ last }: ChainCheck, line: number, problem: string): Finding {
  return finding(line, last === null ? null : last.id + 1, `${problem}: the end was cut off`);
}

/** The head is over exactly what the export holds. */
function besideHead({ first, last }: ChainCheck, head: SignedHead, line: number): Finding | null {
  const { first_id, entries } = head;
  const firstHeld = first?.id ?? entries + 1;
  const lastHeld = last?.id ?? entries;
  if (firstHeld > first_id) {
    return finding(1, first_id, `${missing(first_id, Math.min(firstHeld - 1, entries))}: the beginning was cut off`);
  }
  if (firstHeld < first_id) return finding(1, firstHeld, `the signed head is over entries from ${first_id} on`);
  if (lastHeld < entries) return finding(line, lastHeld + 1, `${missing(lastHeld + 1, entries)}: the end was cut off`);
  if (lastHeld > entries) {
    return finding(entries - firstHeld + 2, entries + 1, `the signed head is over entries up to ${entries} only`);
  }
  const hash = last?.hash ?? (entries === 0 ? GENESIS : head.hash);
  if (hash === head.hash) return null;
  return finding(line - 1, lastHeld, 'its hash is not the signed one: it, or it and others before it, were rewritten');
}

function missing(from: number, to: number): string {
  return from === to ? `it is missing` : `entries ${from} to ${to} are missing`;
}

/** Where the noted head lies beyond what the export holds. From its first to its last entry it was seen on the way. */
function besideNoted({ first }: ChainCheck, head: SignedHead, noted: SignedHead, line: number): Finding | null {
  if (noted.entries > head.entries) {
    const ends = `the noted head is over ${noted.entries} entries, and the export ends before that`;
    const isOlder = head.timestamp < noted.timestamp;
    return finding(line, head.entries + 1, `${ends}: ${isOlder ? 'it is an older one, or ' : ''}the end was cut off`);
  }
  const firstHeld = first?.id ?? head.entries + 1;
  if (noted.entries < firstHeld - 1) {
    return finding(null, null, `the export begins behind the noted head, with entry ${firstHeld}: it cannot show that`);
  }
  return first === null && noted.hash !== head.hash ? rewritten(line, noted) : null;
}

function proven({ first, last }: ChainCheck, head: SignedHead): Proven {
  return { valid: true, held: first === null ? 0 : last!.id - first.id + 1, head };
}
