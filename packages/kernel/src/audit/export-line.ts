import { isUtf8 } from 'node:buffer';
import { readHead, type SignedHead } from '../core/head.ts';

/** An entry as an export has it: its place in the chain, and the text that its hash is over. */
export interface ExportedEntry {
  readonly id: number;
  readonly prevHash: string;
  readonly hash: string;
  readonly canonical: string;
}

/**
 * A line as the kernel writes it, to the byte. Its pieces are put together as they stand, in the order of the canonical
 * entry. That is sound, since no two lines of this form give the same text: every piece but `details` ends where its own
 * form says, and `details` is what is left. And it is simple: no value has to be written anew as the kernel would write it.
 */
const ENTRY =
  /^\{"id":([1-9]\d{0,14}),"timestamp":("[^"\\]*"),"event_type":("[^"\\]*"),"actor":("(?:[^"\\]|\\.)*"),"source":("[^"\\]*"),"details":(\{.*\}),"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/s;

const HEAD = '{"head":';

/** Null: that is no entry as the kernel writes one. */
export function readEntry(line: Buffer): ExportedEntry | null {
  // Bytes that are no UTF-8 would all read as the same character.
  const found = isUtf8(line) ? ENTRY.exec(line.toString()) : null;
  if (found === null) return null;
  const [, id, timestamp, type, actor, source, details, prevHash, hash] = found;
  const canonical = `{"actor":${actor},"details":${details},"event_type":${type},"id":${id},"source":${source},"timestamp":${timestamp}}`;
  return { id: Number(id), prevHash: prevHash!, hash: hash!, canonical };
}

export function isHeadLine(line: Buffer): boolean {
  return line.subarray(0, HEAD.length).toString() === HEAD;
}

/** The head that an export ends with; null: it is not as the kernel writes it. */
export function readHeadLine(line: Buffer): SignedHead | null {
  const text = line.toString();
  const head = parse(text);
  return head !== null && headLine(head) === text ? head : null;
}

export function headLine(head: SignedHead): string {
  return `${HEAD}${JSON.stringify(head)}}`;
}

function parse(text: string): SignedHead | null {
  try {
    return readHead((JSON.parse(text) as { head: unknown }).head);
  } catch {
    return null;
  }
}
