import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../core/errors.ts';
import { Refused, tooLarge } from './fault.ts';
import { NumberTooLarge, parseJson, textDepth } from './json-text.ts';
import { LARGE } from './overload.ts';
import { rememberDepth } from './validate.ts';

/** The largest request body, in bytes. */
export const MAX_BODY = 1024 * 1024;
/** The same of a plan, which may have thousands of tasks. */
export const MAX_PLAN_BODY = 16 * MAX_BODY;
/** The rest of a body that is too large is read and thrown away, so that the client gets to see the answer. */
const MAX_DISCARDED = 16 * MAX_BODY;

type Done = (fault: Error | null, body?: unknown) => void;

/**
 * A content type parser for JSON. An empty body counts as none. `JSON.parse` makes `__proto__` an ordinary member,
 * and nothing here assigns members by name, so it stays data.
 */
export function parseJsonBody(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  const limit = request.routeOptions.config.maxBody ?? MAX_BODY;
  let chunks: Buffer[] = [];
  let length = 0;
  payload.on('data', onData);
  payload.on('end', onEnd);
  payload.on('error', finish);
  payload.resume();

  function onData(chunk: Buffer): void {
    length += chunk.length;
    if (length <= limit) chunks.push(chunk);
    else {
      chunks = [];
      if (length > limit + MAX_DISCARDED) finish(new Refused(tooLarge(limit)));
    }
  }

  function onEnd(): void {
    if (length === 0) finish(null);
    else if (length > limit) finish(new Refused(tooLarge(limit)));
    else {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
      // Decoding would put a replacement character for what it cannot read, and store something nobody sent.
      if (!isUtf8(bytes)) {
        finish(new Refused(new Refusal('malformed_json', 'The body cannot be parsed: JSON must be UTF-8.')));
        return;
      }
      let body: unknown;
      try {
        const text = bytes.toString('utf8');
        body = parseJson(text);
        if (length >= LARGE) rememberDepth(body, textDepth(text));
      } catch (fault) {
        finish(new Refused(new Refusal('malformed_json', `The body cannot be parsed: ${briefly(fault)}`)));
        return;
      }
      // To parse a large one takes long enough: what becomes of it waits until others were served.
      if (length < LARGE) finish(null, body);
      else {
        detach();
        setImmediate(done, null, body);
      }
    }
  }

  function finish(fault: Error | null, body?: unknown): void {
    detach();
    done(fault, body);
  }

  function detach(): void {
    payload.removeListener('data', onData);
    payload.removeListener('end', onEnd);
    payload.removeListener('error', finish);
  }
}

/** V8 quotes the text it could not parse; the position is enough, and the text may be somebody's secret. */
function briefly(fault: unknown): string {
  if (fault instanceof NumberTooLarge) return `${fault.message}.`;
  const position = /at position \d+/.exec((fault as Error).message)?.[0];
  return position === undefined ? 'it is not JSON, or it ends too early.' : `it is not JSON ${position}.`;
}

/** For every other type. A body without any is taken for JSON, as scripts forget to say what they send. */
export function refuseMediaType(request: FastifyRequest, payload: IncomingMessage, done: Done): void {
  if (request.headers['content-type'] === undefined) parseJsonBody(request, payload, done);
  else done(new Refused(new Refusal('unsupported_media_type', 'Send the body as application/json.')));
}
