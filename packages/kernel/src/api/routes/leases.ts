import { carryOut, sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { completeCommand, failCommand, progressCommand, releaseCommand } from '../outcomes.ts';
import { renderTask } from '../render.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { TaskSchema } from '../schemas/task.ts';
import { CompleteInput, FailInput, ProgressInput, ReleaseInput } from '../schemas/worker.ts';

/** What the holder of a lease says about its attempt. The token proves that it still is the holder. */
export function leaseRoutes(api: Api, context: ApiContext): void {
  const answers = { 200: TaskSchema, 404: ProblemSchema, 409: ProblemSchema };

  api.post(
    '/tasks/:id/complete',
    {
      schema: { params: IdParams, body: CompleteInput },
      config: { summary: 'The attempt succeeded', tags: ['leases'], policy: 'work', answers },
    },
    (request, reply) => {
      const command = completeCommand(request.principal.name, request.params.id, request.body);
      carryOut(context, reply, command, sendTask);
    },
  );

  api.post(
    '/tasks/:id/fail',
    {
      schema: { params: IdParams, body: FailInput },
      config: { summary: 'The attempt failed', tags: ['leases'], policy: 'work', answers },
    },
    (request, reply) => {
      carryOut(context, reply, failCommand(request.principal.name, request.params.id, request.body), sendTask);
    },
  );

  api.post(
    '/tasks/:id/progress',
    {
      schema: { params: IdParams, body: ProgressInput },
      config: {
        summary: 'How far the attempt has come',
        tags: ['leases'],
        policy: 'work',
        answers: { 204: 'Noted', 404: ProblemSchema, 409: ProblemSchema },
      },
    },
    (request, reply) => {
      carryOut(context, reply, progressCommand(request.principal.name, request.params.id, request.body), sendNothing);
    },
  );

  api.post(
    '/tasks/:id/release',
    {
      schema: { params: IdParams, body: ReleaseInput },
      config: { summary: 'Give the task back to the queue', tags: ['leases'], policy: 'work', answers },
    },
    (request, reply) => {
      carryOut(context, reply, releaseCommand(request.principal.name, request.params.id, request.body), sendTask);
    },
  );
}

function sendTask(reply: Parameters<typeof sendJson>[0], { task }: { task: Parameters<typeof renderTask>[0] }): void {
  sendJson(reply, 200, renderTask(task, Date.now()));
}
