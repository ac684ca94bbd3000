import { Type } from 'typebox';
import { Refusal } from '../../core/errors.ts';
import type { TaskQuery } from '../../core/store.ts';
import { carryOut, sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { decodeCursor, encodeCursor, nextPage } from '../cursor.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import { renderHistoryEntry, renderTask, renderTasks } from '../render.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { HistoryEntrySchema } from '../schemas/system.ts';
import {
  CascadeQuery,
  NoBody,
  RetryManyAnswer,
  RetryManyInput,
  TaskListQuery,
  TaskSchema,
  WaitQuery,
} from '../schemas/task.ts';
import { whileConnected } from '../waiting.ts';

const PAGE_BYTES = 8 * 1024 * 1024;
const HISTORY_LIMIT = 10_000;

/** Looking at tasks, cancelling them and running them again. */
export function taskRoutes(api: Api, context: ApiContext): void {
  const { kernel } = context;

  api.get(
    '/tasks',
    {
      schema: { querystring: TaskListQuery },
      config: {
        summary: 'List tasks, newest first',
        tags: ['tasks'],
        policy: 'read',
        answers: { 200: Type.Array(TaskSchema) },
      },
    },
    async (request, reply) => {
      const {
        status_filter,
        status = status_filter,
        limit = 100,
        cursor,
        tag,
        created_by,
        worker_id,
        plan_id,
      } = request.query;
      const before = cursor === undefined ? undefined : decodeCursor(cursor);
      if (before === null) return sendRefusal(reply, invalidField('query.cursor', 'must come from a Link header'));
      const query: TaskQuery = {
        limit,
        maxBytes: PAGE_BYTES,
        ...(status !== undefined && { status }),
        ...(tag !== undefined && { tag }),
        ...(created_by !== undefined && { createdBy: created_by }),
        ...(worker_id !== undefined && { workerId: worker_id }),
        ...(plan_id !== undefined && { planId: plan_id }),
        ...(before !== undefined && { before }),
      };
      const { items, more } = await kernel.store.tasks(query);
      const last = items.at(-1);
      if (more && last) reply.header('link', nextPage(request.url, encodeCursor(last.seq)));
      sendJson(reply, 200, renderTasks(items, Date.now()));
    },
  );

  api.get(
    '/tasks/:id',
    {
      schema: { params: IdParams, querystring: WaitQuery },
      config: {
        summary: 'One task, at once or when it has ended',
        tags: ['tasks'],
        policy: 'read',
        answers: { 200: TaskSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { wait = 0 } = request.query;
      const task =
        wait === 0
          ? await kernel.store.task(id)
          : await whileConnected(reply, context.stopping, (signal) => kernel.waitForTask(id, wait * 1000, signal));
      if (task === null) return sendRefusal(reply, noSuchTask(id));
      sendJson(reply, 200, renderTask(task, Date.now()));
    },
  );

  api.delete(
    '/tasks/:id',
    {
      schema: { params: IdParams, querystring: CascadeQuery },
      config: {
        summary: 'Cancel a task',
        tags: ['tasks'],
        policy: 'submit',
        answers: { 204: 'Cancelled', 404: ProblemSchema, 409: ProblemSchema },
      },
    },
    (request, reply) => {
      const { cascade = false } = request.query;
      const command = { kind: 'cancel', actor: request.principal.name, taskId: request.params.id, cascade } as const;
      carryOut(context, reply, command, sendNothing);
    },
  );

  api.post(
    '/tasks/:id/retry',
    {
      schema: { params: IdParams, body: NoBody },
      config: {
        summary: 'Run an ended task again',
        tags: ['tasks'],
        policy: 'submit',
        answers: { 200: TaskSchema, 404: ProblemSchema, 409: ProblemSchema },
      },
    },
    (request, reply) => {
      const command = { kind: 'retry', actor: request.principal.name, taskId: request.params.id } as const;
      carryOut(context, reply, command, (reply, { task }) => sendJson(reply, 200, renderTask(task, Date.now())));
    },
  );

  api.post(
    '/tasks/retry',
    {
      schema: { body: RetryManyInput },
      config: {
        summary: 'Run many ended tasks again',
        tags: ['tasks'],
        policy: 'submit',
        answers: { 200: RetryManyAnswer },
      },
    },
    async (request, reply) => {
      const { status, tag, limit = 100, cursor } = request.body;
      const before = cursor === undefined ? undefined : decodeCursor(cursor);
      if (before === null) return sendRefusal(reply, invalidField('/cursor', 'must come from a next_cursor'));
      const query = { status, limit, ...(tag !== undefined && { tag }), ...(before !== undefined && { before }) };
      const answer = await kernel.retryMany(query, request.principal.name);
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      const { retried, refused, leftOff } = answer;
      const more = leftOff === null ? {} : { next_cursor: encodeCursor(leftOff) };
      sendJson(reply, 200, JSON.stringify({ retried, ...(refused > 0 && { refused }), ...more }));
    },
  );

  api.get(
    '/tasks/:id/events',
    {
      schema: { params: IdParams },
      config: {
        summary: "A task's ledger entries, oldest first",
        tags: ['tasks'],
        policy: 'read',
        answers: { 200: Type.Array(HistoryEntrySchema), 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const entries = await kernel.store.ledger.query({ taskId: id, since: 0, limit: HISTORY_LIMIT });
      if (entries.length === 0 && (await kernel.store.task(id)) === null) return sendRefusal(reply, noSuchTask(id));
      sendJson(reply, 200, `[${entries.map(renderHistoryEntry).join(',')}]`);
    },
  );
}

function noSuchTask(id: string): Refusal {
  return new Refusal('task_not_found', `No task has the id ${JSON.stringify(id.slice(0, 200))}.`);
}
