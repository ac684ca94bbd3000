import { Type } from 'typebox';
import { noSuchPlan } from '../../body/decide/missing.ts';
import { carryOut, sendJson, sendNothing } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { decodeDocumentCursor, encodeDocumentCursor, nextPage } from '../cursor.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import { renderPlan } from '../render-plan.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { GraphSchema, PlanListQuery, PlanQuery, PlanSchema } from '../schemas/plan.ts';

const PAGE_BYTES = 8 * 1024 * 1024;

/** Looking at plans, and calling them off. */
export function planRoutes(api: Api, context: ApiContext): void {
  const { plans } = context.kernel;

  api.get(
    '/plans',
    {
      schema: { querystring: PlanListQuery },
      config: {
        summary: 'List plans, newest first',
        tags: ['plans'],
        policy: 'read',
        answers: { 200: Type.Array(PlanSchema) },
      },
    },
    async (request, reply) => {
      const { status, limit = 100, cursor } = request.query;
      const before = cursor === undefined ? undefined : decodeDocumentCursor(cursor);
      if (before === null) return sendRefusal(reply, invalidField('query.cursor', 'must come from a Link header'));
      const state = status === undefined ? {} : { state: status };
      const query = { limit, ...state, ...(before !== undefined && { before }) };
      const { items, more } = await plans.list(query, PAGE_BYTES);
      const last = items.at(-1);
      if (more && last) reply.header('link', nextPage(request.url, encodeDocumentCursor(last.plan)));
      sendJson(reply, 200, `[${items.map((item) => renderPlan(item)).join(',')}]`);
    },
  );

  api.get(
    '/plans/:id',
    {
      schema: { params: IdParams, querystring: PlanQuery },
      config: {
        summary: 'One plan, and its graph if asked for',
        tags: ['plans'],
        policy: 'read',
        answers: { 200: Type.Union([PlanSchema, GraphSchema]), 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const found = await plans.find(request.params.id);
      if (!found) return sendRefusal(reply, noSuchPlan(request.params.id));
      const graph = request.query.view === 'graph' ? await plans.graph(found, Date.now()) : null;
      sendJson(reply, 200, renderPlan(found, graph));
    },
  );

  api.delete(
    '/plans/:id',
    {
      schema: { params: IdParams },
      config: {
        summary: 'Call off what is left of a plan',
        tags: ['plans'],
        policy: 'submit',
        answers: { 204: 'Nothing of it is left to do', 404: ProblemSchema },
      },
    },
    (request, reply) => {
      const command = { kind: 'cancel_plan', actor: request.principal.name, planId: request.params.id } as const;
      carryOut(context, reply, command, sendNothing);
    },
  );
}
