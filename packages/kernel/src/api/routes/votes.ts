import { Type } from 'typebox';
import { noSuchVote } from '../../body/decide/missing.ts';
import { voteFrom } from '../../core/vote.ts';
import { carryOut, sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { decodeDocumentCursor, encodeDocumentCursor, nextPage } from '../cursor.ts';
import { newId } from '../ids.ts';
import { invalidField, sendRefusal } from '../problem.ts';
import { renderVote } from '../render.ts';
import { IdParams, ProblemSchema } from '../schemas/common.ts';
import { BallotInput, VoteInput, VoteListQuery, VoteSchema } from '../schemas/vote.ts';

/** Votes: what is to be decided, and who says what. */
export function voteRoutes(api: Api, context: ApiContext): void {
  const { kernel } = context;

  api.get(
    '/votes',
    {
      schema: { querystring: VoteListQuery },
      config: {
        summary: 'List votes, newest first',
        tags: ['guardian'],
        policy: 'read',
        answers: { 200: Type.Array(VoteSchema) },
      },
    },
    async (request, reply) => {
      const { status, limit = 100, cursor } = request.query;
      const before = cursor === undefined ? undefined : decodeDocumentCursor(cursor);
      if (before === null) return sendRefusal(reply, invalidField('query.cursor', 'must come from a Link header'));
      const { items, more } = await kernel.store.documents({
        collection: 'vote',
        limit,
        ...(status !== undefined && { state: status }),
        ...(before !== undefined && { before }),
      });
      const last = items.at(-1);
      if (more && last) reply.header('link', nextPage(request.url, encodeDocumentCursor(last)));
      sendJson(reply, 200, `[${items.map((item) => renderVote(voteFrom(item))).join(',')}]`);
    },
  );

  api.get(
    '/votes/:id',
    {
      schema: { params: IdParams },
      config: {
        summary: 'One vote',
        tags: ['guardian'],
        policy: 'read',
        answers: { 200: VoteSchema, 404: ProblemSchema },
      },
    },
    async (request, reply) => {
      const document = await kernel.store.document('vote', request.params.id);
      if (!document) return sendRefusal(reply, noSuchVote(request.params.id));
      sendJson(reply, 200, renderVote(voteFrom(document)));
    },
  );

  api.post(
    '/votes',
    {
      schema: { body: VoteInput },
      config: { summary: 'Put a question to some', tags: ['guardian'], policy: 'admin', answers: { 201: VoteSchema } },
    },
    (request, reply) => {
      const { participants, threshold, voteExpiresMs } = kernel.rules.guardian;
      const { body } = request;
      carryOut(
        context,
        reply,
        {
          kind: 'open_vote',
          actor: request.principal.name,
          id: newId(),
          decision: body.decision,
          participants: body.participants ?? participants,
          threshold: body.threshold ?? threshold,
          expiresMs: Math.ceil(body.expires_in_seconds === undefined ? voteExpiresMs : body.expires_in_seconds * 1000),
        },
        (reply, { vote }) => sendJson(reply, 201, renderVote(vote)),
      );
    },
  );

  api.post(
    '/votes/:id/ballots',
    {
      schema: { params: IdParams, body: BallotInput },
      config: {
        summary: 'Vote',
        tags: ['guardian'],
        policy: 'review',
        answers: { 200: VoteSchema, 403: ProblemSchema, 404: ProblemSchema, 409: ProblemSchema },
      },
    },
    (request, reply) => {
      const { participant, approve, reason = null } = request.body;
      const ballot = { voteId: request.params.id, participant, approve, reason };
      carryOut(context, reply, { kind: 'cast_ballot', actor: request.principal.name, ...ballot }, (reply, { vote }) =>
        sendJson(reply, 200, renderVote(vote)),
      );
    },
  );
}
