import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { PROBLEM_TYPE, sendRefusal } from './problem.ts';
import { InvalidRequest } from './validate.ts';

/** Carries a refusal through code that can only throw, such as a body parser. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

/** The one place where something thrown becomes an answer. What nobody expected is logged; its text is not shown. */
export function errorHandler(log: Logger) {
  return (fault: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void => {
    const refusal = asRefusal(fault);
    if (refusal.status >= 500) {
      log.error({ err: fault, method: request.method, url: request.url }, 'a request failed');
    }
    // Fastify would close the connection after a bad body. What is left of a body is read and dropped by the server,
    // so only an oversized one is worth a new connection.
    if (refusal.code !== 'payload_too_large') reply.removeHeader('connection');
    sendRefusal(reply, refusal);
  };
}

export function asRefusal(fault: unknown): Refusal {
  if (fault instanceof Refused) return fault.refusal;
  if (fault instanceof InvalidRequest) return fault.refusal;
  if (fault instanceof StorageUnavailable) {
    return new Refusal(
      'storage_unavailable',
      'Nothing was acknowledged. Try again later; GET /health tells what is wrong.',
    );
  }
  switch ((fault as Partial<FastifyError> | null)?.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Refusal('unsupported_media_type', 'Send the body as application/json.');
    case 'ECONNRESET':
      return new Refusal('malformed_json', 'The body ended before it was complete.');
    default:
      return new Refusal('internal_error', 'The kernel failed to answer. Its log tells why.');
  }
}

export function tooLarge(limit: number): Refusal {
  return new Refusal(
    'payload_too_large',
    `The body of this request may have at most ${limit / 1024 / 1024} MiB. Keep large data elsewhere and send a reference.`,
  );
}

/** What a client sends that is not even HTTP is answered below Fastify, and the connection ends. */
export function clientErrorHandler(fault: NodeJS.ErrnoException, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(fault);
    return;
  }
  const status = TRANSPORT_STATUS[fault.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({
    type: 'about:blank',
    title,
    status,
    detail: 'This is not a request the kernel can read.',
  });
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`, () => socket.destroy());
}

const TRANSPORT_STATUS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};
