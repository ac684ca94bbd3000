import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Logger } from 'pino';
import type { Kernel } from '../body/kernel.ts';
import type { Config } from '../config.ts';
import type { Signer } from '../core/signer.ts';
import type { Metrics } from './metrics.ts';

/** What every route is given. */
export interface ApiContext {
  readonly kernel: Kernel;
  readonly signer: Signer;
  readonly config: Config;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** Aborts when the kernel begins to stop: whoever waits answers at once. */
  readonly stopping: AbortSignal;
}

/** The Fastify instance that routes are registered on; schemas give handlers their types. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;
