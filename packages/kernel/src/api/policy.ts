import type { RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Bug } from '../core/errors.ts';
import type { Principal } from './auth.ts';

/**
 * What a caller must be allowed to do for a route. With only a root token every one but `open` means "has the
 * token"; roles will tell them apart. Denied by default: a route without an entry does not start.
 *
 *   open     nobody is asked                       submit   hands in, cancels and retries tasks
 *   read     looks at tasks, workers, events       work     registers as a worker, claims and ends attempts
 *   audit    reads the ledger                      metrics  scrapes; open when configured so
 *   review   casts ballots                         memory   reads and writes what agents remember
 *   admin    everything else
 */
export const POLICIES = ['open', 'read', 'submit', 'work', 'audit', 'metrics', 'review', 'memory', 'admin'] as const;
export type Policy = (typeof POLICIES)[number];

/** What a route declares beside its schema: who may use it, and what it answers, for the reference. */
export interface RouteConfig {
  readonly policy: Policy;
  /** Without one the route stays out of the OpenAPI document. */
  readonly summary?: string;
  readonly tags?: readonly string[];
  /** It takes an `Idempotency-Key`. */
  readonly idempotent?: boolean;
  /** It takes `If-Match` and `If-None-Match`. */
  readonly conditional?: boolean;
  /** It takes a `Last-Event-ID`. */
  readonly resumable?: boolean;
  /** How large its body may be, in bytes, where that is not what it usually is. */
  readonly maxBody?: number;
  /** Answers by status: their JSON schema, a text of another type, or a sentence when there is nothing. */
  readonly answers?: Readonly<Record<number, TSchema | TextAnswer | string>>;
}

export interface TextAnswer {
  readonly mediaType: string;
  readonly description: string;
}

declare module 'fastify' {
  interface FastifyContextConfig extends Partial<RouteConfig> {}
  interface FastifyRequest {
    /** Set by the gate before anything else runs. */
    principal: Principal;
  }
}

/** An `onRoute` hook: throws for a route that does not say who may use it. */
export function requirePolicy(route: Pick<RouteOptions, 'method' | 'url' | 'config'>): void {
  const policy: string | undefined = route.config?.policy;
  if (policy === undefined || !(POLICIES as readonly string[]).includes(policy)) {
    throw new Bug(`${String(route.method)} ${route.url} declares no policy`);
  }
}
