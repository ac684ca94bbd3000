import { Type } from 'typebox';
import { noSuchCheckpoint } from '../../body/decide/missing.ts';
import type { Difference } from '../../body/differences.ts';
import type { Checkpoint, Figures } from '../../core/checkpoint.ts';
import { timestamp } from '../../core/clock.ts';
import { Refusal } from '../../core/errors.ts';
import { sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { decodeSavedCursor, encodeSavedCursor } from '../cursor.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import {
  CheckpointInput,
  CheckpointSchema,
  DiffQuery,
  DiffSchema,
  RollbackQuery,
  RollbackSchema,
} from '../schemas/checkpoint.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { NoBody } from '../schemas/task.ts';

/** Checkpoints of the colony, and the way back to one. */
export function checkpointRoutes(api: Api, { kernel }: ApiContext): void {
  const { checkpoints } = kernel;

  api.post(
    '/system/checkpoint',
    {
      schema: { body: CheckpointInput },
      config: { summary: 'Make a checkpoint', tags: ['system'], policy: 'admin', answers: { 200: CheckpointSchema } },
    },
    async (request, reply) => {
      const made = await checkpoints.create(request.body.label ?? null, request.principal.name);
      if (made instanceof Refusal) return sendRefusal(reply, made);
      sendJson(reply, 200, JSON.stringify(shown(made)));
    },
  );

  api.get(
    '/system/checkpoints',
    {
      config: {
        summary: 'All checkpoints, newest first',
        tags: ['system'],
        policy: 'admin',
        answers: { 200: Type.Array(CheckpointSchema) },
      },
    },
    async (_request, reply) => sendJson(reply, 200, JSON.stringify((await checkpoints.listWithEvents()).map(shown))),
  );

  api.delete(
    '/system/checkpoints/:id',
    {
      schema: { params: IdParams },
      config: {
        summary: 'Forget a checkpoint',
        tags: ['system'],
        policy: 'admin',
        answers: { 204: 'It is gone', 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const refusal = await checkpoints.remove(request.params.id, request.principal.name);
      if (refusal) return sendRefusal(reply, refusal);
      sendNothing(reply);
    },
  );

  api.get(
    '/system/checkpoints/:id/diff',
    {
      schema: { params: IdParams, querystring: DiffQuery },
      config: {
        summary: 'What a rollback would change, page by page',
        tags: ['system'],
        policy: 'admin',
        answers: { 200: DiffSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const checkpoint = await checkpoints.find(request.params.id);
      if (!checkpoint) return sendRefusal(reply, noSuchCheckpoint(request.params.id));
      const { limit = 100, cursor } = request.query;
      const after = cursor === undefined ? null : decodeSavedCursor(cursor, checkpoint.number);
      if (cursor !== undefined && after === null) {
        return sendRefusal(reply, invalidField('query.cursor', 'must be the next_cursor of the page before'));
      }
      const { items, next } = await checkpoints.differences(checkpoint, after, limit);
      const next_cursor = next === null ? null : encodeSavedCursor(next);
      sendJson(reply, 200, JSON.stringify({ items: items.map(named), next_cursor }));
    },
  );

  api.post(
    '/system/rollback/:id',
    {
      schema: { params: IdParams, querystring: RollbackQuery, body: NoBody },
      config: {
        summary: 'Take the colony back to a checkpoint',
        tags: ['system'],
        policy: 'admin',
        answers: { 200: RollbackSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const misspelt = stray(request.query, request.body);
      if (misspelt) return sendRefusal(reply, misspelt);
      const isDry = request.query.dry_run ?? false;
      const checkpoint = isDry ? await checkpoints.find(id) : null;
      if (isDry && !checkpoint) return sendRefusal(reply, noSuchCheckpoint(id));
      const figures = checkpoint
        ? await checkpoints.figures(checkpoint)
        : await checkpoints.rollback(id, request.principal.name);
      if (figures instanceof Refusal) return sendRefusal(reply, figures);
      const status = isDry ? 'dry_run' : 'rolled_back';
      sendJson(reply, 200, JSON.stringify({ status, checkpoint_id: id, state: stateOf(figures) }));
    },
  );
}

/** A dry run that was misspelt must not be a rollback. */
function stray(query: object, body: unknown): Refusal | null {
  const [inQuery] = Object.keys(query).filter((name) => name !== 'dry_run');
  const [inBody] = Object.keys(body ?? {});
  const field = inQuery !== undefined ? `query.${inQuery}` : inBody !== undefined ? `body.${inBody}` : null;
  return field === null ? null : invalidField(field, 'is not taken here; a dry run is asked for with ?dry_run=true');
}

function shown({ id, at, label, eventId }: Omit<Checkpoint, 'eventId'> & { eventId: number | null }) {
  return { checkpoint_id: id, timestamp: timestamp(at), label, event_id: eventId };
}

/** Of what was written down before there was any. */
const NOTHING = { restored: 0, removed: 0 };

function stateOf({ tasks, votes, plans = NOTHING, schedules = NOTHING, memory = NOTHING }: Figures) {
  return { tasks, votes, memory, plans, schedules };
}

function named({ kind, id, from, to }: Difference) {
  if (kind === 'task') return { kind, id, from, to };
  if (kind === 'idempotency') return { kind: 'idempotency_key', id, from, to };
  const cut = id.indexOf(' ');
  return { kind: id.slice(0, cut), id: id.slice(cut + 1), from, to };
}
