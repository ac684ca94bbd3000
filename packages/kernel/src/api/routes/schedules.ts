import { Type } from 'typebox';
import { noSuchSchedule } from '../../body/decide/missing.ts';
import { timestamp } from '../../core/clock.ts';
import type { Document } from '../../core/document.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Schedule, scheduleFrom } from '../../core/schedule.ts';
import type { Store } from '../../core/store.ts';
import { carryOut, sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { decodeDocumentCursor, encodeDocumentCursor, nextPage } from '../cursor.ts';
import { newId } from '../ids.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { ScheduleChange, ScheduleListQuery, ScheduleSchema, scheduleInput } from '../schemas/schedule.ts';
import type { taskInput } from '../schemas/task.ts';

/** Schedules: tasks that are handed in at certain times. */
export function scheduleRoutes(api: Api, context: ApiContext, task: ReturnType<typeof taskInput>): void {
  const { kernel } = context;
  const known = Object.keys(task.properties);

  api.post(
    '/schedules',
    {
      schema: { body: scheduleInput(task) },
      config: { summary: 'Have a task handed in by the clock', tags: ['schedules'], policy: 'admin', answers: CREATED },
    },
    (request, reply) => {
      const { name, cron = null, every_seconds: seconds, timezone = 'UTC', overlap, catch_up } = request.body;
      const everyMs = seconds === undefined || seconds === null ? null : Math.round(seconds * 1000);
      const asked = { name, cron, everyMs, timezone, overlap: overlap ?? 'skip', catchUp: catch_up ?? 'none' } as const;
      const template = onlyThese(known, request.body.task as JsonObject);
      const actor = request.principal.name;
      const command = { kind: 'create_schedule', actor, id: newId(), ...asked, task: template } as const;
      carryOut(context, reply, command, (reply, { schedule }) => sendJson(reply, 201, renderSchedule(schedule)));
    },
  );

  api.get(
    '/schedules',
    {
      schema: { querystring: ScheduleListQuery },
      config: { summary: 'List schedules, newest first', tags: ['schedules'], policy: 'read', answers: LISTED },
    },
    async (request, reply) => {
      const { limit = 100, cursor } = request.query;
      const before = cursor === undefined ? undefined : decodeDocumentCursor(cursor);
      if (before === null) return sendRefusal(reply, invalidField('query.cursor', 'must come from a Link header'));
      const { texts, last } = await page(kernel.store, limit, before);
      if (last) reply.header('link', nextPage(request.url, encodeDocumentCursor(last)));
      sendJson(reply, 200, `[${texts.join(',')}]`);
    },
  );

  api.get(
    '/schedules/:id',
    {
      schema: { params: IdParams },
      config: { summary: 'One schedule', tags: ['schedules'], policy: 'read', answers: FOUND },
    },
    async (request, reply) => {
      const document = await kernel.store.document('schedule', request.params.id);
      if (!document) return sendRefusal(reply, noSuchSchedule(request.params.id));
      sendJson(reply, 200, renderSchedule(scheduleFrom(document)));
    },
  );

  api.patch(
    '/schedules/:id',
    {
      schema: { params: IdParams, body: ScheduleChange },
      config: { summary: 'Pause a schedule, or let it go on', tags: ['schedules'], policy: 'admin', answers: FOUND },
    },
    (request, reply) => {
      const { paused } = request.body;
      const command = { kind: 'pause_schedule', actor: request.principal.name, paused } as const;
      carryOut(context, reply, { ...command, scheduleId: request.params.id }, (reply, { schedule }) =>
        sendJson(reply, 200, renderSchedule(schedule)),
      );
    },
  );

  api.delete(
    '/schedules/:id',
    {
      schema: { params: IdParams },
      config: { summary: 'Delete a schedule', tags: ['schedules'], policy: 'admin', answers: DELETED },
    },
    (request, reply) => {
      const command = { kind: 'delete_schedule', actor: request.principal.name } as const;
      carryOut(context, reply, { ...command, scheduleId: request.params.id }, sendNothing);
    },
  );
}

const CREATED = { 201: ScheduleSchema };
const LISTED = { 200: Type.Array(ScheduleSchema) };
const FOUND = { 200: ScheduleSchema, 404: ProblemSchema };
const DELETED = { 204: 'It is gone; what it has handed in stays', 404: ProblemSchema };

/** So many are read at once, and a page ends early when it is this long: templates may be long, too. */
const AT_ONCE = 20;
const MOST_CHARACTERS = 8 * 1024 * 1024;

/** Up to `limit` of them, and the last one if there are more behind it. */
async function page(store: Store, limit: number, before: Before): Promise<{ texts: string[]; last: Document | null }> {
  const texts: string[] = [];
  let last = before;
  for (let characters = 0; ; ) {
    const query = { collection: 'schedule', limit: Math.min(AT_ONCE, limit - texts.length) } as const;
    const { items, more } = await store.documents({ ...query, ...(last && { before: last }) });
    for (const [index, item] of items.entries()) {
      const text = renderSchedule(scheduleFrom(item));
      texts.push(text);
      characters += text.length;
      last = item;
      const isMore = more || index < items.length - 1;
      if (!isMore) return { texts, last: null };
      if (characters > MOST_CHARACTERS || texts.length === limit) return { texts, last: item };
    }
    if (!more) return { texts, last: null };
  }
}

type Before = Pick<Document, 'createdAt' | 'id'> | undefined;

/** What a task may have; anything else is not kept, as `POST /tasks` does not. */
function onlyThese(known: readonly string[], task: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(task).filter(([name]) => known.includes(name)));
}

function renderSchedule(schedule: Schedule): string {
  const time = (at: number | null) => (at === null ? null : timestamp(at));
  const { id, name, cron, everyMs, timezone, task, overlap, catchUp, paused, lastSkipped } = schedule;
  return JSON.stringify({
    ...{ id, name, cron, every_seconds: everyMs === null ? null : everyMs / 1000, timezone, task, overlap },
    ...{ catch_up: catchUp, paused, next_run_at: time(schedule.nextDueAt), last_due_at: time(schedule.lastDueAt) },
    ...{ last_task_id: schedule.lastTaskId, fired: schedule.fired, skipped: schedule.skipped },
    last_skipped: lastSkipped && { due_at: timestamp(lastSkipped.dueAt), reason: lastSkipped.reason },
    ...{ created_by: schedule.createdBy, created_at: timestamp(schedule.createdAt) },
  });
}
