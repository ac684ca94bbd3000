import type { FastifyRequest } from 'fastify';
import { type Draft, sketching } from '../../body/plan-draft.ts';
import type { PlannedTask, SubmitPlan } from '../../core/command.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { OnFailure } from '../../core/plan.ts';
import type { TaskInput } from '../../core/task.ts';
import { carryOut, sendJson } from '../answer.ts';
import { MAX_BODY, MAX_PLAN_BODY } from '../body.ts';
import type { Api, ApiContext } from '../context.ts';
import { newId } from '../ids.ts';
import { inTurns } from '../in-turns.ts';
import { type Intake, idempotencyKey, readIdempotencyHeader } from '../intake.ts';
import { invalid, sendRefusal } from '../problem.ts';
import { renderPlan } from '../render-plan.ts';
import { ProblemSchema } from '../schemas/common.ts';
import { PlanEnvelope, PlanSchema, planInput, planTaskInput } from '../schemas/plan.ts';
import type { taskInput } from '../schemas/task.ts';
import { validator, validatorCompiler } from '../validate.ts';

const ROUTE = 'POST /plans';
const MAX_ERRORS = 20;
const TOO_LARGE = 'must not have more than 1 MiB: keep large data elsewhere and send a reference';

interface PlanBody {
  readonly goal: string;
  readonly tasks: readonly unknown[];
  readonly on_failure?: OnFailure;
  readonly parent_id?: string | null;
  readonly created_by?: string;
}

type PlanMember = TaskInput & { readonly key: string };

/** `POST /plans`: tasks that depend on each other, all or none. */
export function submitPlanRoute(
  api: Api,
  context: ApiContext,
  intake: Intake,
  input: ReturnType<typeof taskInput>,
): void {
  const item = planTaskInput(input);
  const check = validator(item);
  const envelope = validatorCompiler({ schema: PlanEnvelope, httpPart: 'body', method: 'POST', url: '/plans' });

  /** A task at a time: there may be many. */
  function* read(body: PlanBody, createdBy: string): Generator<void, Pick<SubmitPlan, 'tasks' | 'order'> | Refusal> {
    const errors: FieldError[] = [];
    for (const [index, member] of body.tasks.entries()) {
      for (const error of check(member) ?? []) errors.push({ ...error, path: `/tasks/${index}${error.path}` });
      if (errors.length >= MAX_ERRORS) break;
      yield;
    }
    if (errors.length > 0) return invalid(errors.slice(0, MAX_ERRORS));
    const members = body.tasks as readonly PlanMember[];
    const sketch = yield* sketching(members.map(draftOf));
    if (sketch instanceof Refusal) return sketch;
    const ids = new Map(members.map(({ key }) => [key, newId()]));
    const named = (keys: readonly string[]) => keys.map((key) => ids.get(key)!);
    const now = Date.now();
    const tasks: PlannedTask[] = [];
    for (const [place, { key, ...member }] of members.entries()) {
      const depends_on = named(sketch.dependsOn[place]!);
      const parent_id = member.parent_id ?? body.parent_id ?? null;
      const sources = sketch.sources[place]!;
      const plan = {
        id: ids.get(key)!,
        ...(sources.length > 0 && { resultsFrom: Object.fromEntries(sources.map((one) => [one, ids.get(one)!])) }),
      };
      const task = intake.newTask({ ...member, depends_on, parent_id }, createdBy, now, `/tasks/${place}`, plan);
      if (task instanceof Refusal) return task;
      // Whoever is given it counts on no more than what a task that is handed in alone can have.
      if (isLarge(task.json) && isLarge(JSON.stringify(members[place]))) {
        return invalid([{ path: `/tasks/${place}`, message: TOO_LARGE }]);
      }
      tasks.push({ ...task, key });
      yield;
    }
    return { tasks, order: sketch.order };
  }

  async function commandFor(request: FastifyRequest): Promise<SubmitPlan | Refusal> {
    const body = request.body as PlanBody;
    const actor = request.principal.name;
    const key = readIdempotencyHeader(request.headers['idempotency-key']);
    if (key instanceof Refusal) return key;
    const createdBy = body.created_by ?? actor;
    const plan = await inTurns(read(body, createdBy));
    if (plan instanceof Refusal) return plan;
    return {
      ...{ kind: 'submit_plan', actor, id: newId(), goal: body.goal, createdBy, ...plan },
      onFailure: body.on_failure ?? 'stop',
      parentId: body.parent_id ?? null,
      ...(key !== null && { idempotency: idempotencyKey(ROUTE, actor, key, body) }),
    };
  }

  api.post(
    '/plans',
    {
      schema: { body: planInput(item) },
      validatorCompiler: () => envelope,
      bodyLimit: MAX_PLAN_BODY,
      config: {
        summary: 'Hand in tasks that depend on each other',
        tags: ['plans'],
        policy: 'submit',
        maxBody: MAX_PLAN_BODY,
        idempotent: true,
        answers: { 201: PlanSchema, 409: ProblemSchema, 422: ProblemSchema },
      },
    },
    async (request, reply) => {
      const command = await commandFor(request as FastifyRequest);
      if (command instanceof Refusal) return sendRefusal(reply, command);
      carryOut(context, reply, command, (reply, { replayed, ...answer }) => {
        if (replayed) reply.header('idempotency-replayed', 'true');
        sendJson(reply, 201, renderPlan(answer));
      });
      return reply;
    },
  );
}

function draftOf({ key, depends_on = [], payload = null }: PlanMember): Draft {
  return { key, dependsOn: depends_on, payload };
}

function isLarge(json: string): boolean {
  return Buffer.byteLength(json) > MAX_BODY;
}
