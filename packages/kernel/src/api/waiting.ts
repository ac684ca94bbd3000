import type { FastifyReply } from 'fastify';

/** For calls that do not wait: it never aborts, and nobody listens to it. */
export const NEVER: AbortSignal = new AbortController().signal;

/**
 * Runs something that may wait. Its signal aborts when the client goes away (nothing may be handed to a dead
 * request) or when the kernel stops.
 */
export async function whileConnected<T>(
  reply: FastifyReply,
  stopping: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (stopping.aborted || reply.raw.destroyed) abort();
  reply.raw.once('close', abort);
  stopping.addEventListener('abort', abort, { once: true });
  try {
    return await run(controller.signal);
  } finally {
    reply.raw.removeListener('close', abort);
    stopping.removeEventListener('abort', abort);
  }
}
