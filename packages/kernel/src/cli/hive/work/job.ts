import type { FileHandle } from 'node:fs/promises';

/** One attempt at one file. */
export interface Job {
  readonly file: FileHandle;
  readonly bytes: number;
  /** Aborted when the task is no longer this bee's: stop at the next opportunity. */
  readonly signal: AbortSignal;
  progress(fraction: number, message?: string): void;
}

const CHUNK_BYTES = 128 * 1024;
/** Below this, a file is done before anybody could look at its progress. */
const WORTH_REPORTING_BYTES = 1024 * 1024;

/** The file's text, a piece at a time. Bytes that are no UTF-8 become U+FFFD; a byte order mark is dropped. */
export async function* textOf({ file, bytes, signal, progress }: Job): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
    if (bytes >= WORTH_REPORTING_BYTES) progress(Math.min(1, position / bytes), 'reading');
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** So many bytes from there on, fewer at the file's end. */
export async function bytesAt({ file }: Job, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
