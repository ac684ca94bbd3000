import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from '../core/errors.ts';

/** Commands that may wait to be decided; beyond that a caller is told to come back. */
export const MAX_BACKLOG = 20_000;

/** Bodies of at least this size are counted, since many of them at once could fill the memory. */
export const LARGE = 64 * 1024;
/** How large a body may be, where nothing else is said. */
const USUAL = 1024 * 1024;
const MAX_LARGE_BYTES = 256 * 1024 * 1024;

export function queueFull(): Refusal {
  return new Refusal('queue_full', 'The kernel has more to do than it may hold. Try again in a second.', {
    retryAfterSeconds: 1,
  });
}

/** Bounds the memory that large request bodies may take together. Answers false when there is no room. */
export class BodyBudget {
  #bytes = 0;

  /** @param most how large its body may be */
  admit(request: IncomingMessage, response: ServerResponse, most: number = USUAL): boolean {
    const length = request.headers['content-length'];
    if (length === undefined && request.headers['transfer-encoding'] === undefined) return true;
    const bytes = length === undefined ? most : Number(length);
    if (!(bytes >= LARGE)) return true;
    const held = Math.min(bytes, most);
    if (this.#bytes + held > MAX_LARGE_BYTES) return false;
    this.#bytes += held;
    response.once('close', () => {
      this.#bytes -= held;
    });
    return true;
  }
}
