import { noSuchKey } from '../../body/decide/missing.ts';
import type { MemoryAnswer } from '../../body/memory-searching.ts';
import { timestamp } from '../../core/clock.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { MemoryEntry, MemoryScope } from '../../core/memory.ts';
import { carryOut, sendJson, sendNothing } from '../answer.ts';
import { MAX_PLAN_BODY } from '../body.ts';
import type { Api, ApiContext } from '../context.ts';
import { nameCursorBehind } from '../cursor.ts';
import { inTurns } from '../in-turns.ts';
import { conditionHeader, readCondition } from '../preconditions.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import {
  closedScope,
  memoryInput,
  memoryInputs,
  readListQuery,
  readQuery,
  refusalOf,
  wrongFilter,
  wrongKey,
  wrongScope,
} from '../remember.ts';
import { ProblemSchema } from '../schemas/common.ts';
import {
  BatchSchema,
  MatchesSchema,
  MemoryBatch,
  MemoryEntrySchema,
  MemoryListQuery,
  MemoryListSchema,
  MemoryParams,
  MemoryPut,
  MemoryQuestionInput,
  ScopeParams,
  ScopesSchema,
} from '../schemas/memory.ts';

const TAGS = ['memory'];

/** Memory that agents share: values under keys, keys in scopes. */
export function memoryRoutes(api: Api, context: ApiContext): void {
  const { kernel, config } = context;

  api.get(
    '/memory',
    {
      schema: { querystring: MemoryListQuery },
      config: {
        summary: 'The scopes and how much they hold',
        tags: TAGS,
        policy: 'memory',
        answers: { 200: ScopesSchema },
      },
    },
    async (request, reply) => {
      const query = readListQuery(request.query);
      if (query instanceof Refusal) return sendRefusal(reply, query);
      const { items, next } = await kernel.memory.scopes(query);
      sendJson(reply, 200, JSON.stringify({ scopes: items.map(renderScope), next_cursor: nameCursorBehind(next) }));
    },
  );

  api.get(
    '/memory/:scope',
    {
      schema: { params: ScopeParams, querystring: MemoryListQuery },
      config: {
        summary: 'What a scope holds, by key',
        tags: TAGS,
        policy: 'memory',
        answers: { 200: MemoryListSchema },
      },
    },
    async (request, reply) => {
      const { scope } = request.params;
      const wrong = refusalOf(wrongScope(scope));
      if (wrong) return sendRefusal(reply, wrong);
      const query = readListQuery(request.query);
      if (query instanceof Refusal) return sendRefusal(reply, query);
      const { items, next } = await kernel.memory.entries(scope, query);
      const next_cursor = JSON.stringify(nameCursorBehind(next));
      sendJson(reply, 200, `{"items":[${items.map(renderEntry).join(',')}],"next_cursor":${next_cursor}}`);
    },
  );

  api.put(
    '/memory/:scope/:key',
    {
      schema: { params: MemoryParams, body: MemoryPut },
      config: { summary: 'Put a value under a key', tags: TAGS, policy: 'memory', conditional: true, answers: PUT },
    },
    (request, reply) => {
      const { scope, key } = request.params;
      const wrong = refusalOf(closedScope(scope), wrongKey(key));
      if (wrong) return sendRefusal(reply, wrong);
      const condition = readCondition(request.headers);
      if (condition instanceof Refusal) return sendRefusal(reply, condition);
      const item = memoryInput(key, request.body, config.memoryMaxValueBytes);
      if (item instanceof Refusal) return sendRefusal(reply, item);
      const actor = request.principal.name;
      const command = { kind: 'put_memory', actor, scope, items: [item], condition } as const;
      carryOut(context, reply, command, (reply, { entries }) => {
        const { entry, isNew } = entries[0]!;
        reply.header('etag', `"${entry.version}"`);
        sendJson(reply, isNew ? 201 : 200, renderEntry(entry));
      });
    },
  );

  api.get(
    '/memory/:scope/:key',
    {
      schema: { params: MemoryParams },
      config: { summary: 'What is under a key', tags: TAGS, policy: 'memory', answers: FOUND },
    },
    async (request, reply) => {
      const { scope, key } = request.params;
      const wrong = refusalOf(wrongScope(scope), wrongKey(key));
      if (wrong) return sendRefusal(reply, wrong);
      const entry = await kernel.memory.entry(scope, key);
      if (!entry) return sendRefusal(reply, noSuchKey(scope, key));
      reply.header('etag', `"${entry.version}"`);
      sendJson(reply, 200, renderEntry(entry));
    },
  );

  api.delete(
    '/memory/:scope/:key',
    {
      schema: { params: MemoryParams },
      config: { summary: 'Forget a key', tags: TAGS, policy: 'memory', conditional: true, answers: DELETED },
    },
    (request, reply) => {
      const { scope, key } = request.params;
      const wrong = refusalOf(closedScope(scope), wrongKey(key));
      if (wrong) return sendRefusal(reply, wrong);
      const condition = readCondition(request.headers);
      if (condition instanceof Refusal) return sendRefusal(reply, condition);
      if (condition.absent) return sendRefusal(reply, ONLY_WHEN_PUT);
      const actor = request.principal.name;
      carryOut(context, reply, { kind: 'delete_memory', actor, scope, key, condition }, sendNothing);
    },
  );

  api.post(
    '/memory/:scope/search',
    {
      schema: { params: ScopeParams, body: MemoryQuestionInput },
      config: { summary: 'What is near in meaning, or in words', tags: TAGS, policy: 'memory', answers: MATCHES },
    },
    async (request, reply) => {
      const { scope } = request.params;
      const { text = null, vector: numbers, top_k: topK = 10, filter = {}, mode = 'hybrid' } = request.body;
      const wrong = refusalOf(wrongScope(scope), missing(text, numbers, mode), wrongFilter(filter));
      if (wrong) return sendRefusal(reply, wrong);
      const vector = numbers === undefined ? null : readQuery(numbers);
      if (vector instanceof Refusal) return sendRefusal(reply, vector);
      const answer = await kernel.memory.search(scope, { text, vector, topK, filter, mode });
      if (answer instanceof Refusal) return sendRefusal(reply, answer);
      sendJson(reply, 200, renderMatches(answer));
    },
  );

  api.post(
    '/memory/:scope/batch',
    {
      schema: { params: ScopeParams, body: MemoryBatch },
      config: {
        summary: 'Put many, all or none',
        tags: TAGS,
        policy: 'memory',
        maxBody: MAX_PLAN_BODY,
        answers: PUT_MANY,
      },
    },
    async (request, reply) => {
      const { scope } = request.params;
      const wrong = refusalOf(
        closedScope(scope),
        ...request.body.items.map(({ key }, at) => wrongKey(key, `/items/${at}/key`)),
      );
      if (wrong) return sendRefusal(reply, wrong);
      const conditional = conditionHeader(request.headers);
      if (conditional) return sendRefusal(reply, invalidField(conditional, 'is for one key: many are put as they are'));
      const items = await inTurns(memoryInputs(request.body.items, config.memoryMaxValueBytes));
      if (items instanceof Refusal) return sendRefusal(reply, items);
      const condition = { match: null, absent: false };
      const actor = request.principal.name;
      carryOut(context, reply, { kind: 'put_memory', actor, scope, items, condition }, (reply, { entries }) => {
        const put = entries.map(({ entry: { key, version } }) => ({ key, version }));
        sendJson(reply, 200, JSON.stringify({ items: put }));
      });
      return reply;
    },
  );
}

const ONLY_WHEN_PUT = invalidField('header.If-None-Match', 'is for PUT: what is not there cannot be deleted');
const MATCHES = { 200: MatchesSchema, 409: ProblemSchema, 429: ProblemSchema, 503: ProblemSchema };
const PUT = { 200: MemoryEntrySchema, 201: MemoryEntrySchema, 412: ProblemSchema };
const PUT_MANY = { 200: BatchSchema };
const FOUND = { 200: MemoryEntrySchema, 404: ProblemSchema };
const DELETED = { 204: 'It is gone', 404: ProblemSchema, 412: ProblemSchema };

/** What a question lacks. */
function missing(text: string | null, vector: readonly number[] | undefined, mode: string): FieldError | null {
  if (mode === 'text' && text === null) return { path: '/text', message: 'is required with mode text' };
  if (text === null && vector === undefined) return { path: '/text', message: 'is required, unless there is a vector' };
  return null;
}

function renderMatches({ matches, omitted, model, incomplete, problem }: MemoryAnswer): string {
  const items = matches.map(({ entry: { key, value, version, metadata }, score, scores }) => {
    const rest = JSON.stringify({ version, metadata, score, scores });
    return `{"key":${JSON.stringify(key)},"value":${value},${rest.slice(1)}`;
  });
  const rest = JSON.stringify({ omitted, embedder: model, incomplete, problem });
  return `{"matches":[${items.join(',')}],${rest.slice(1)}`;
}

/** The value goes out as it is kept. */
function renderEntry(entry: MemoryEntry): string {
  const { scope, key, value, version, metadata, text, createdAt, updatedAt, expiresAt } = entry;
  const rest = JSON.stringify({
    ...{ version, metadata, text, created_at: timestamp(createdAt), updated_at: timestamp(updatedAt) },
    expires_at: expiresAt === null ? null : timestamp(expiresAt),
  });
  return `{"scope":${JSON.stringify(scope)},"key":${JSON.stringify(key)},"value":${value},${rest.slice(1)}`;
}

function renderScope({ scope, keys, vectors, dimension, createdAt }: MemoryScope) {
  return { scope, keys, vectors, dimension, created_at: timestamp(createdAt) };
}
