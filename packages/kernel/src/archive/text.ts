import type { Piece, StoredTask } from '../core/archive.ts';
import { Spec } from '../core/task.ts';

/**
 * A colony as a file: lines of JSON (NDJSON, UTF-8, each ended by a line feed). The first says what it is, the last that
 * it is whole; between them stand the pieces of an archive, a piece a line. docs/export.md tells the whole.
 */

/** What the lines are. What the pieces in them are is told by the head of the archive. */
export const FILE_FORMAT = 1;

/** The first line. */
export interface Title {
  readonly kind: 'export';
  readonly format: number;
  /** The colony's name. */
  readonly system_id: string;
  /** When it was like this. */
  readonly timestamp: string;
}

/**
 * The last line.
 *
 *   signature = Ed25519( "colonyos.export.1" LF system_id LF timestamp LF lines LF sha256 LF key_id )
 */
export interface Seal {
  readonly kind: 'end';
  /** How many lines there are before it, and the SHA-256 of their bytes, the line feeds included. */
  readonly lines: number;
  readonly sha256: string;
  /** 64 bytes in base64. */
  readonly signature: string;
  readonly key_id: string;
  /** 32 bytes in base64. */
  readonly public_key: string;
}

/** The text that is signed. */
export function sealedText(
  { system_id, timestamp }: Title,
  { lines, sha256, key_id }: Omit<Seal, 'signature'>,
): string {
  return ['colonyos.export.1', system_id, timestamp, lines, sha256, key_id].join('\n');
}

/** A task's specification goes as the text it is: hashes are over it. */
export function pieceText(piece: Piece): string {
  if (piece.kind !== 'task') return JSON.stringify(piece);
  return JSON.stringify({ ...piece, task: { ...piece.task, spec: piece.task.spec.json } });
}

const KINDS: Readonly<Record<Piece['kind'], true>> = {
  head: true,
  task: true,
  removed: true,
  worker: true,
  document: true,
  key: true,
  saved: true,
  entries: true,
};

/** Throws an Error when a line holds none. */
export function pieceFrom(line: string): Piece {
  const piece = JSON.parse(line) as Piece;
  if (!Object.hasOwn(KINDS, piece?.kind)) throw new Error('it is none of the kinds that an export holds');
  // Colonies of before there was any know nothing of it.
  if (piece.kind === 'worker')
    return { ...piece, worker: { ...piece.worker, experience: piece.worker.experience ?? [] } };
  if (piece.kind !== 'task') return piece;
  const { spec, ...task } = piece.task as unknown as Omit<StoredTask['task'], 'spec'> & { spec: string };
  // In files of the third format nothing is said of these.
  const { plan = null, routing = null } = task;
  return { ...piece, task: { ...task, plan, routing, spec: new Spec(spec) } };
}
