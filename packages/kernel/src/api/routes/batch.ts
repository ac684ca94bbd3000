import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { NewTask, Submit } from '../../core/command.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { TaskInput } from '../../core/task.ts';
import { carryOut, sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { asRefusal } from '../fault.ts';
import { type Intake, idempotencyKey, isIdempotencyKey, readIdempotencyHeader } from '../intake.ts';
import { MAX_BACKLOG, queueFull } from '../overload.ts';
import { invalid, invalidField, problemOf, sendRefusal } from '../problem.ts';
import { renderTask, renderTasks } from '../render.ts';
import { ProblemSchema } from '../schemas/common.ts';
import { BatchEnvelope, batchInput, TaskSchema, type taskInput } from '../schemas/task.ts';
import { validator, validatorCompiler } from '../validate.ts';

const BatchAnswer = Type.Union([
  Type.Object({ tasks: Type.Array(TaskSchema) }),
  Type.Object({
    results: Type.Array(
      Type.Object({ status: Type.Integer(), task: Type.Optional(TaskSchema), error: Type.Optional(ProblemSchema) }),
    ),
  }),
]);

interface Batch {
  tasks: unknown[];
  atomic?: boolean;
}

/** `POST /tasks/batch`: many tasks in one request, all or none, or each on its own. */
export function batchRoute(api: Api, context: ApiContext, intake: Intake, item: ReturnType<typeof taskInput>): void {
  const check = validator(item);
  const envelope = validatorCompiler({ schema: BatchEnvelope, httpPart: 'body', method: 'POST', url: '/tasks/batch' });

  /** The task, or what is wrong with this member of the batch. */
  function read(member: unknown, createdBy: string, now: number, path: string): NewTask | readonly FieldError[] {
    const errors = check(member);
    if (errors !== null) return errors.map((error) => ({ ...error, path: `${path}${error.path}` }));
    // How deep it nests was checked with the envelope.
    const task = intake.newTask(member as TaskInput, createdBy, now, path);
    return task instanceof Refusal ? (task.errors ?? []) : task;
  }

  function submitTogether(request: FastifyRequest, reply: FastifyReply, batch: Batch): void {
    const actor = request.principal.name;
    const key = readIdempotencyHeader(request.headers['idempotency-key']);
    if (key instanceof Refusal) {
      sendRefusal(reply, key);
      return;
    }
    const now = Date.now();
    const tasks: NewTask[] = [];
    const errors: FieldError[] = [];
    batch.tasks.forEach((member, index) => {
      const task = read(member, actor, now, `/tasks/${index}`);
      if (isErrors(task)) errors.push(...task);
      else tasks.push(task);
      if (hasOwnKey(member)) errors.push({ path: `/tasks/${index}/idempotency_key`, message: 'needs "atomic": false' });
    });
    if (errors.length > 0) {
      sendRefusal(reply, invalid(errors.slice(0, MAX_ERRORS)));
      return;
    }
    const idempotency = key === null ? {} : { idempotency: idempotencyKey(ROUTE, actor, key, batch) };
    carryOut(context, reply, { kind: 'submit', actor, tasks, ...idempotency }, (reply, { tasks, replayed }) => {
      if (replayed) reply.header('idempotency-replayed', 'true');
      sendJson(reply, 201, `{"tasks":${renderTasks(tasks, Date.now())}}`);
    });
  }

  /** One command each: they are decided one by one, and still share a commit. */
  async function submitEach(request: FastifyRequest, reply: FastifyReply, batch: Batch): Promise<void> {
    const actor = request.principal.name;
    const header = readIdempotencyHeader(request.headers['idempotency-key']);
    if (header instanceof Refusal) return sendRefusal(reply, header);
    if (context.kernel.backlog() > MAX_BACKLOG) return sendRefusal(reply, queueFull());
    const now = Date.now();
    const results = batch.tasks.map((member, index): string | Promise<string> => {
      const command = commandFor(member, index);
      return command instanceof Refusal ? refused(command, index) : submitOne(command, index);
    });
    sendJson(reply, 200, `{"results":[${(await Promise.all(results)).join(',')}]}`);

    function commandFor(member: unknown, index: number): Submit | Refusal {
      const task = read(member, actor, now, '');
      if (isErrors(task)) return invalid(task);
      const submit = { kind: 'submit', actor, tasks: [task] } as const;
      if (!hasOwnKey(member)) {
        if (header === null) return submit;
        return { ...submit, idempotency: idempotencyKey(ROUTE, actor, `${header} ${index}`, member) };
      }
      const { idempotency_key: key, ...body } = member;
      if (!isIdempotencyKey(key)) return invalidField('/idempotency_key', 'must be 1 to 255 printable characters');
      // A task with a key of its own is the same submission whether it travels alone or in a batch.
      return { ...submit, idempotency: idempotencyKey('POST /tasks', actor, key, body) };
    }
  }

  async function submitOne(command: Submit, index: number): Promise<string> {
    try {
      const answer = await context.kernel.execute(command);
      if (answer instanceof Refusal) return refused(answer, index);
      const replayed = answer.replayed ? ',"replayed":true' : '';
      return `{"status":201,"task":${renderTask(answer.tasks[0]!, Date.now())}${replayed}}`;
    } catch (fault) {
      const refusal = asRefusal(fault);
      if (refusal.code === 'internal_error') context.log.error({ err: fault }, 'a task of a batch failed');
      return refused(refusal, index);
    }
  }

  api.post(
    '/tasks/batch',
    {
      schema: { body: batchInput(item) },
      validatorCompiler: () => envelope,
      config: {
        summary: 'Hand in up to 1000 tasks',
        tags: ['tasks'],
        policy: 'submit',
        idempotent: true,
        answers: { 201: BatchAnswer, 200: BatchAnswer },
      },
    },
    (request, reply) => {
      const batch = request.body as Batch;
      if (batch.atomic === false) return submitEach(request, reply, batch);
      submitTogether(request, reply, batch);
      return;
    },
  );
}

const ROUTE = 'POST /tasks/batch';
const MAX_ERRORS = 20;

function refused(refusal: Refusal, index: number): string {
  return `{"status":${refusal.status},"error":${JSON.stringify(problemOf(refusal, `/tasks/batch#/tasks/${index}`))}}`;
}

function isErrors(value: NewTask | readonly FieldError[]): value is readonly FieldError[] {
  return Array.isArray(value);
}

function hasOwnKey(member: unknown): member is { idempotency_key: unknown } {
  return typeof member === 'object' && member !== null && Object.hasOwn(member, 'idempotency_key');
}
