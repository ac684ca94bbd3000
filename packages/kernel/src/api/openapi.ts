import type { RouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import type { RouteConfig, TextAnswer } from './policy.ts';
import { ProblemSchema } from './schemas/common.ts';
import { PlanSchema } from './schemas/plan.ts';
import { AuditEntrySchema, EventSchema, HealthSchema, StatsSchema } from './schemas/system.ts';
import { TaskSchema } from './schemas/task.ts';
import { WorkerSchema } from './schemas/worker.ts';
import { OPTIONAL_BODY } from './validate.ts';

/** The OpenAPI 3.1 document, made from the schemas that requests are checked against. */

const COMPONENTS = new Map<object, string>([
  [TaskSchema, 'Task'],
  [PlanSchema, 'Plan'],
  [WorkerSchema, 'Worker'],
  [EventSchema, 'Event'],
  [AuditEntrySchema, 'AuditEntry'],
  [HealthSchema, 'Health'],
  [StatsSchema, 'Stats'],
  [ProblemSchema, 'Problem'],
]);

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes it happen once: for 24 hours the same key with the same body gives the same answer',
  schema: { type: 'string' },
};

const CONDITIONS = [
  {
    name: 'If-Match',
    in: 'header',
    description: 'Only if there is one: at this version, as "3", or at any, as *',
    schema: { type: 'string' },
  },
  { name: 'If-None-Match', in: 'header', description: '*: only if there is none', schema: { type: 'string' } },
];

const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  description: 'Goes on behind this event, as `since` does',
  schema: { type: 'string' },
};

type Documented = Pick<RouteOptions, 'method' | 'url' | 'schema' | 'config'>;

export function openApiDocument(routes: readonly Documented[], version: string, secured: boolean): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    if (route.method === 'HEAD' || route.config?.summary === undefined) continue;
    const path = route.url.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][String(route.method).toLowerCase()] = operation(route, secured);
  }
  const schemas: Record<string, unknown> = {};
  for (const [schema, name] of COMPONENTS) schemas[name] = inlined(schema);
  return {
    openapi: '3.1.0',
    info: {
      title: 'ColonyOS Kernel',
      version,
      description:
        'A durable task kernel for fleets of agents. Beside these routes there are two WebSockets: `/ws/events` (the event stream) and `/ws/worker` (tasks pushed to a worker).',
    },
    // The kernel the document came from. It is the default, but the reference leaves the host out without it.
    servers: [{ url: '/' }],
    paths,
    components: { schemas, ...(secured && { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } }) },
  };
}

function operation({ method, schema, config, url }: Documented, secured: boolean): object {
  const body = schema?.body as TSchema | undefined;
  const parameters = [
    ...[...url.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...queryParameters(schema?.querystring as TSchema | undefined),
    ...(config?.idempotent ? [IDEMPOTENCY_KEY] : []),
    ...(config?.conditional ? CONDITIONS : []),
    ...(config?.resumable ? [LAST_EVENT_ID] : []),
  ];
  return {
    operationId: operationId(String(method), url),
    summary: config?.summary,
    tags: config?.tags,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !(OPTIONAL_BODY in body), content: json(body) } }),
    responses: responses(config?.answers ?? {}),
    ...(secured && config?.policy !== 'open' && { security: [{ bearer: [] }] }),
  };
}

/** What generated clients call it: `POST /tasks/:id/retry` is `postTasksByIdRetry`. */
function operationId(method: string, url: string): string {
  const parts = url.split(/[/.-]/).filter(Boolean);
  const words = parts.map((part) => (part.startsWith(':') ? `By${capital(part.slice(1))}` : capital(part)));
  return method.toLowerCase() + words.join('');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function queryParameters(query: TSchema | undefined): object[] {
  const properties = (query as { properties?: Record<string, { description?: string }> } | undefined)?.properties ?? {};
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    ...(schema.description && { description: schema.description }),
    schema: referenced(schema),
  }));
}

function responses(answers: NonNullable<RouteConfig['answers']>): object {
  const result: Record<string, object> = {};
  for (const [status, answer] of Object.entries(answers)) {
    if (typeof answer === 'string') result[status] = { description: answer };
    else if (isText(answer)) {
      result[status] = {
        description: answer.description,
        content: { [answer.mediaType]: { schema: { type: 'string' } } },
      };
    } else if (answer === ProblemSchema) result[status] = { description: 'Refused', content: problem() };
    else result[status] = { description: 'OK', content: json(answer) };
  }
  result.default = { description: 'Refused', content: problem() };
  return result;
}

function isText(answer: TSchema | TextAnswer): answer is TextAnswer {
  return 'mediaType' in answer;
}

function json(schema: TSchema): object {
  return { 'application/json': { schema: referenced(schema) } };
}

function problem(): object {
  return { 'application/problem+json': { schema: referenced(ProblemSchema) } };
}

/** The schema with those that have a name replaced by references. */
function referenced(schema: unknown): unknown {
  const name = COMPONENTS.get(schema as object);
  return name === undefined ? inlined(schema) : { $ref: `#/components/schemas/${name}` };
}

function inlined(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(referenced);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).filter(([name]) => !name.startsWith('x-') && !name.startsWith('~'));
  return Object.fromEntries(members.map(([name, value]) => [name, referenced(value)]));
}
