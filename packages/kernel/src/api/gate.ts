import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { Refusal } from '../core/errors.ts';
import { ANONYMOUS, authenticator, type Principal } from './auth.ts';
import { MAX_BODY } from './body.ts';
import { hostRule, originRule } from './origin.ts';
import { BodyBudget, queueFull } from './overload.ts';
import type { Policy } from './policy.ts';
import { sendRefusal } from './problem.ts';

/** What a request is about, as far as the gate cares. */
export interface Approach {
  /** Null: no such route. Whoever is not authenticated does not even learn that. */
  readonly policy: Policy | null;
  readonly kind: 'read' | 'mutation' | 'upgrade';
}

/**
 * Everything that comes before a route: may this host name be used, may this web page, is the kernel still taking
 * requests, who is asking. In this order, for requests and upgrades alike.
 */
export class Gate {
  readonly #hostAllowed: ((host: string | undefined) => boolean) | null;
  readonly #originAllowed: (origin: string, host: string | undefined) => boolean;
  readonly #authenticate: ReturnType<typeof authenticator>;
  readonly #metricsPublic: boolean;
  readonly #stopping: AbortSignal;
  readonly #bodies = new BodyBudget();

  constructor(config: Config, stopping: AbortSignal) {
    // With a token, a rebound page gets nowhere without it, and the kernel may be called by any name.
    this.#hostAllowed = config.secretToken === null ? hostRule(config.allowedHosts) : null;
    this.#originAllowed = originRule(config.corsOrigins);
    this.#authenticate = authenticator(config.secretToken);
    this.#metricsPublic = config.metricsPublic;
    this.#stopping = stopping;
  }

  /** Who is asking, or why there is no answer. */
  admit(request: IncomingMessage, { policy, kind }: Approach): Principal | Refusal {
    const { host, origin } = request.headers;
    if (this.#hostAllowed !== null && !this.#hostAllowed(host)) {
      return new Refusal(
        'host_not_allowed',
        `The kernel may not be reached as ${JSON.stringify(host)}: add the name to COLONY_ALLOWED_HOSTS, or set COLONY_SECRET_TOKEN.`,
      );
    }
    if (origin !== undefined && kind !== 'read' && !this.#originAllowed(origin, host)) return foreign(origin);
    if (policy === 'open' || (policy === 'metrics' && this.#metricsPublic)) return ANONYMOUS;
    if (this.#stopping.aborted) return new Refusal('shutting_down', 'The kernel is stopping. Try again in a moment.');
    return (
      this.#authenticate(request.headers, kind === 'upgrade') ??
      new Refusal('unauthorized', 'Send the token as "Authorization: Bearer <token>".')
    );
  }

  /** The hook that runs before a route of this policy. @param maxBody how large its body may be, in bytes */
  hook(policy: Policy | null, maxBody: number = MAX_BODY) {
    return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const { raw } = request;
      const { origin } = raw.headers;
      if (origin !== undefined && this.#answerOrigin(origin, raw, reply)) return;
      const kind = raw.method === 'GET' || raw.method === 'HEAD' || raw.method === 'OPTIONS' ? 'read' : 'mutation';
      const answer = this.admit(raw, { policy, kind });
      if (answer instanceof Refusal) sendRefusal(reply, answer);
      else if (kind === 'mutation' && !this.#bodies.admit(raw, reply.raw, maxBody)) sendRefusal(reply, queueFull());
      else {
        request.principal = answer;
        done();
      }
    };
  }

  /** CORS: lets a page that is allowed read the answer, and answers its preflight. True when that was all. */
  #answerOrigin(origin: string, request: IncomingMessage, reply: FastifyReply): boolean {
    const preflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
    reply.header('vary', 'Origin');
    if (this.#originAllowed(origin, request.headers.host) && this.#hostAllowed?.(request.headers.host) !== false) {
      reply.header('access-control-allow-origin', origin);
      reply.header('access-control-expose-headers', 'ETag, Link, Retry-After, Idempotency-Replayed');
      if (!preflight) return false;
      reply
        .code(204)
        .headers({
          'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
          'access-control-allow-headers': request.headers['access-control-request-headers'] ?? '*',
          'access-control-max-age': '600',
        })
        .send();
      return true;
    }
    if (preflight) sendRefusal(reply, foreign(origin));
    return preflight;
  }
}

function foreign(origin: string): Refusal {
  return new Refusal(
    'origin_not_allowed',
    `Pages of ${JSON.stringify(origin.slice(0, 200))} are not in COLONY_CORS_ORIGINS.`,
  );
}
