import type { Document } from '../core/document.ts';

/** Where a page of tasks ends: the sequence number of its last one, opaque to clients. */
export function encodeCursor(seq: number): string {
  return Buffer.from(`s${seq}`).toString('base64url');
}

/** Null: not one of ours. */
export function decodeCursor(cursor: string): number | null {
  const match = /^s(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  return match ? Number(match[1]) : null;
}

/** Where a page of documents ends. */
export function encodeDocumentCursor({ createdAt, id }: Pick<Document, 'createdAt' | 'id'>): string {
  return Buffer.from(`d${createdAt} ${id}`).toString('base64url');
}

/** Null: not one of ours. */
export function decodeDocumentCursor(cursor: string): Pick<Document, 'createdAt' | 'id'> | null {
  const match = /^d(\d{1,15}) (.+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  return match ? { createdAt: Number(match[1]), id: match[2]! } : null;
}

/** Where a page of what a rollback would change ends, as the store says it. */
export function encodeSavedCursor(place: string): string {
  return Buffer.from(place).toString('base64url');
}

/** Null: not one of ours, or of an earlier checkpoint than the one of this number. */
export function decodeSavedCursor(cursor: string, since: number): string | null {
  const place = Buffer.from(cursor, 'base64url').toString();
  const match = /^(\d{1,15}) (.+)$/s.exec(place);
  return match && Number(match[1]) >= since ? place : null;
}

/** The same request for the next page, as a relative reference (RFC 8288). */
export function nextPage(url: string, cursor: string): string {
  const [path, query] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `<${path}?${parameters}>; rel="next"`;
}

/** Where the page of names that begins behind this one begins; null: there is none. */
export function nameCursorBehind(name: string | null): string | null {
  return name === null ? null : Buffer.from(`n${name}`).toString('base64url');
}

/** Null: not one of ours. */
export function decodeNameCursor(cursor: string): string | null {
  return /^n(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString())?.[1] ?? null;
}
