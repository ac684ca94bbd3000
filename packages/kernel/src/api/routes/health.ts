import type { FastifyReply } from 'fastify';
import { timestamp } from '../../core/clock.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { HealthSchema } from '../schemas/system.ts';

/** Whether the kernel lives, can serve, and why not. Open to everybody: orchestrators have no token. */
export function healthRoutes(api: Api, { kernel, version, stopping }: ApiContext): void {
  const answers = { 200: HealthSchema, 503: HealthSchema };

  function send(reply: FastifyReply, healthy: boolean, checks?: Record<string, string>): void {
    const status = healthy ? 'healthy' : 'unhealthy';
    const { durability } = kernel.store;
    const body = { status, timestamp: timestamp(Date.now()), version, durability, ...(checks && { checks }) };
    reply.header('cache-control', 'no-store');
    sendJson(reply, healthy ? 200 : 503, JSON.stringify(body));
  }

  api.get(
    '/health',
    { config: { summary: 'Whether store and bus can be used', tags: ['system'], policy: 'open', answers } },
    (_request, reply) => {
      const { healthy, checks } = kernel.health();
      send(reply, healthy, healthy ? undefined : checks);
    },
  );

  api.get(
    '/health/live',
    {
      config: { summary: 'The process answers', tags: ['system'], policy: 'open', answers: { 200: HealthSchema } },
    },
    (_request, reply) => send(reply, true),
  );

  api.get(
    '/health/ready',
    { config: { summary: 'Send traffic here, or not', tags: ['system'], policy: 'open', answers } },
    (_request, reply) => {
      const { healthy, checks } = kernel.health();
      send(reply, healthy && !stopping.aborted, stopping.aborted ? { ...checks, kernel: 'stopping' } : checks);
    },
  );
}
