import { Type } from 'typebox';
import { noSuchWorker } from '../../body/decide/missing.ts';
import { Refusal } from '../../core/errors.ts';
import type { Capability } from '../../core/worker.ts';
import { carryOut, sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { newId } from '../ids.ts';
import { sendRefusal } from '../problem.ts';
import { renderWorker } from '../render.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { NoBody } from '../schemas/task.ts';
import { DrainQuery, HeartbeatInput, WorkerInput, WorkerSchema } from '../schemas/worker.ts';

/** Workers: who they are, that they live, and how they leave. */
export function workerRoutes(api: Api, context: ApiContext): void {
  const { kernel } = context;

  api.post(
    '/workers',
    {
      schema: { body: WorkerInput },
      config: { summary: 'Register a worker', tags: ['workers'], policy: 'work', answers: { 201: WorkerSchema } },
    },
    (request, reply) => {
      const { name, capabilities = [], attributes = {}, max_concurrent_tasks = 1 } = request.body;
      carryOut(
        context,
        reply,
        {
          kind: 'register',
          actor: request.principal.name,
          id: newId(),
          name,
          capabilities: (capabilities as Capability[]).map(knownFields),
          attributes,
          maxConcurrentTasks: max_concurrent_tasks,
        },
        (reply, { worker }) => sendJson(reply, 201, renderWorker(worker)),
      );
    },
  );

  api.get(
    '/workers',
    {
      config: { summary: 'All workers', tags: ['workers'], policy: 'read', answers: { 200: Type.Array(WorkerSchema) } },
    },
    async (_request, reply) => {
      const workers = await kernel.workers.asHeard(await kernel.store.workers());
      sendJson(reply, 200, `[${workers.map(renderWorker).join(',')}]`);
    },
  );

  api.post(
    '/workers/:id/release',
    {
      schema: { params: IdParams, body: NoBody },
      config: {
        summary: 'Let a worker out of quarantine',
        tags: ['guardian'],
        policy: 'admin',
        answers: { 200: WorkerSchema, 404: ProblemSchema },
      },
    },
    (request, reply) => {
      const command = { kind: 'release_worker', actor: request.principal.name, workerId: request.params.id } as const;
      carryOut(context, reply, command, (reply, { worker }) => sendJson(reply, 200, renderWorker(worker)));
    },
  );

  api.get(
    '/workers/:id',
    {
      schema: { params: IdParams },
      config: {
        summary: 'One worker',
        tags: ['workers'],
        policy: 'read',
        answers: { 200: WorkerSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const worker = await kernel.store.worker(request.params.id);
      if (worker === null) return sendRefusal(reply, noSuchWorker(request.params.id));
      const [heard] = await kernel.workers.asHeard([worker]);
      sendJson(reply, 200, renderWorker(heard!));
    },
  );

  api.post(
    '/workers/:id/heartbeat',
    {
      schema: { params: IdParams, body: HeartbeatInput },
      config: {
        summary: 'A sign of life',
        tags: ['workers'],
        policy: 'work',
        answers: { 204: 'All its leases are renewed', 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const answer = await kernel.workers.heartbeat(request.params.id, request.body.tasks);
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      sendNothing(reply);
    },
  );

  api.delete(
    '/workers/:id',
    {
      schema: { params: IdParams, querystring: DrainQuery },
      config: {
        summary: 'Unregister a worker',
        tags: ['workers'],
        policy: 'work',
        answers: { 204: 'Gone, or draining', 404: ProblemSchema },
      },
    },
    (request, reply) => {
      const actor = request.principal.name;
      const workerId = request.params.id;
      if (request.query.drain) carryOut(context, reply, { kind: 'drain', actor, workerId }, sendNothing);
      else carryOut(context, reply, { kind: 'unregister', actor, workerId, reason: 'unregistered' }, sendNothing);
    },
  );
}

/** Only what the contract names is kept. */
function knownFields({ name, category, supported_languages, max_complexity }: Capability): Capability {
  return {
    name,
    category: category ?? null,
    supported_languages: supported_languages ?? null,
    max_complexity: max_complexity ?? null,
  };
}
