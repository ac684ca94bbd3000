import type { Replies } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { TaskInput } from '../../core/task.ts';
import { carryOut, sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { type Intake, idempotencyKey, readIdempotencyHeader } from '../intake.ts';
import { sendRefusal } from '../problem.ts';
import { renderTask } from '../render.ts';
import { ProblemSchema } from '../schemas/common.ts';
import { TaskSchema, type taskInput } from '../schemas/task.ts';

/** `POST /tasks`: the hottest route there is. */
export function submitRoute(api: Api, context: ApiContext, intake: Intake, body: ReturnType<typeof taskInput>): void {
  api.post(
    '/tasks',
    {
      schema: { body },
      config: {
        summary: 'Hand in a task',
        tags: ['tasks'],
        policy: 'submit',
        idempotent: true,
        answers: { 201: TaskSchema, 409: ProblemSchema },
      },
    },
    (request, reply) => {
      const actor = request.principal.name;
      const key = readIdempotencyHeader(request.headers['idempotency-key']);
      if (key instanceof Refusal) return sendRefusal(reply, key);
      const task = intake.newTask(request.body as TaskInput, actor, Date.now());
      if (task instanceof Refusal) return sendRefusal(reply, task);
      const tasks = [task];
      if (key === null) carryOut(context, reply, { kind: 'submit', actor, tasks }, created);
      else {
        const idempotency = idempotencyKey('POST /tasks', actor, key, request.body);
        carryOut(context, reply, { kind: 'submit', actor, tasks, idempotency }, created);
      }
      return;
    },
  );
}

function created(reply: Parameters<typeof sendJson>[0], { tasks, replayed }: Replies['submit']): void {
  if (replayed) reply.header('idempotency-replayed', 'true');
  sendJson(reply, 201, renderTask(tasks[0]!, Date.now()));
}
