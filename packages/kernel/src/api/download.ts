import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Whoever takes nothing for so long will take no more. */
const STALL_MS = 60_000;

/** Sends lines of JSON as fast as they are taken, and no faster; breaks off when they fail, or nobody takes them. */
export function sendLines(reply: FastifyReply, lines: AsyncIterable<string>, stallMs = STALL_MS): FastifyReply {
  reply.raw.setTimeout(stallMs, () => reply.raw.destroy());
  return reply
    .header('content-type', 'application/x-ndjson; charset=utf-8')
    .send(Readable.from(lines, { objectMode: false }));
}
