import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import type { ApiContext } from './context.ts';

/** Whoever takes nothing for so long will take no more. */
const STALL_MS = 60_000;

/** Sends lines of JSON as fast as they are taken, and no faster; breaks off when they fail, or nobody takes them. */
export function sendLines(
  { log }: Pick<ApiContext, 'log'>,
  reply: FastifyReply,
  lines: AsyncIterable<string>,
  stallMs = STALL_MS,
): FastifyReply {
  reply.raw.setTimeout(stallMs, () => reply.raw.destroy());
  return reply
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .send(Readable.from(told(lines, log), { objectMode: false }));
}

async function* told(lines: AsyncIterable<string>, log: Logger): AsyncGenerator<string> {
  try {
    yield* lines;
  } catch (error) {
    log.warn({ err: error }, 'an answer was broken off');
    throw error;
  }
}
