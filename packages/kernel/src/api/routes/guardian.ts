import { Refusal } from '../../core/errors.ts';
import type { TaskInput } from '../../core/task.ts';
import { carryOut, sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import type { Intake } from '../intake.ts';
import { readIfMatch } from '../preconditions.ts';
import { sendRefusal } from '../problem.ts';
import { ProblemSchema } from '../schemas/common.ts';
import { EvaluationSchema, PolicyInput, PolicySchema } from '../schemas/guardian.ts';
import type { taskInput } from '../schemas/task.ts';

/** The guardian's policy, and what it would say of a task. */
export function guardianRoutes(
  api: Api,
  context: ApiContext,
  intake: Intake,
  task: ReturnType<typeof taskInput>,
): void {
  const { kernel } = context;

  api.get(
    '/guardian/policy',
    {
      config: { summary: 'The policy in force', tags: ['guardian'], policy: 'read', answers: { 200: PolicySchema } },
    },
    async (_request, reply) => {
      const policy = await kernel.guardian.policy();
      reply.header('etag', `"${policy.version}"`);
      sendJson(reply, 200, JSON.stringify(policy));
    },
  );

  api.put(
    '/guardian/policy',
    {
      schema: { body: PolicyInput },
      config: {
        summary: 'Put a whole policy into force',
        tags: ['guardian'],
        policy: 'admin',
        answers: { 200: PolicySchema, 412: ProblemSchema, 422: ProblemSchema },
      },
    },
    (request, reply) => {
      const match = readIfMatch(request.headers['if-match']);
      if (match instanceof Refusal) return sendRefusal(reply, match);
      const expected = match === '*' ? null : match;
      const command = { kind: 'set_policy', actor: request.principal.name, policy: request.body, expected } as const;
      carryOut(context, reply, command, (reply, { policy }) => {
        reply.header('etag', `"${policy.version}"`);
        sendJson(reply, 200, JSON.stringify(policy));
      });
      return;
    },
  );

  api.post(
    '/guardian/evaluate',
    {
      schema: { body: task },
      config: {
        summary: 'What the policy says of a task; nothing is stored',
        tags: ['guardian'],
        policy: 'submit',
        answers: { 200: EvaluationSchema },
      },
    },
    async (request, reply) => {
      const made = intake.newTask(request.body as TaskInput, request.principal.name, Date.now());
      if (made instanceof Refusal) return sendRefusal(reply, made);
      sendJson(reply, 200, JSON.stringify(await kernel.guardian.evaluate(made)));
    },
  );
}
