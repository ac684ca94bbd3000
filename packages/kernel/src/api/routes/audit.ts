import { signHead } from '../../core/head.ts';
import type { LedgerQuery } from '../../core/store.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { sendLines } from '../download.ts';
import { exportLedger, type Unsigned } from '../export.ts';
import { renderAuditEntry } from '../render.ts';
import { AuditQuery, AuditSchema, HeadSchema, VerificationSchema } from '../schemas/system.ts';

/** The ledger as an audit log: read it, check its chain, take it away. */
export function auditRoutes(api: Api, context: ApiContext): void {
  const { kernel, signer, config } = context;
  const { ledger } = kernel.store;
  const sign = (head: Unsigned) => signHead(signer, { system_id: config.systemId, ...head }, Date.now());

  api.get(
    '/system/audit',
    {
      schema: { querystring: AuditQuery },
      config: {
        summary: 'The newest entries, oldest first',
        tags: ['audit'],
        policy: 'audit',
        answers: { 200: AuditSchema },
      },
    },
    async (request, reply) => {
      const { event_type, task_id, worker_id, actor, since, limit = 100 } = request.query;
      const query: LedgerQuery = {
        limit,
        ...(event_type !== undefined && { type: event_type }),
        ...(task_id !== undefined && { taskId: task_id }),
        ...(worker_id !== undefined && { workerId: worker_id }),
        ...(actor !== undefined && { actor }),
        ...(since !== undefined && { since }),
      };
      const [entries, { sealedTo }] = await Promise.all([ledger.query(query), ledger.span()]);
      const text = entries.map(renderAuditEntry).join(',');
      sendJson(reply, 200, `{"entries":[${text}],"sealed_to":${sealedTo}}`);
    },
  );

  api.get(
    '/system/audit/verify',
    {
      config: {
        summary: 'Recompute the whole chain',
        tags: ['audit'],
        policy: 'audit',
        answers: { 200: VerificationSchema },
      },
    },
    async (_request, reply) => {
      const { valid, entries, head, firstInvalidId } = await ledger.verify();
      sendJson(reply, 200, JSON.stringify({ valid, entries, head, first_invalid_id: firstInvalidId }));
    },
  );

  api.get(
    '/system/audit/head',
    {
      config: {
        summary: 'How far the ledger has come, signed: what to note down elsewhere',
        tags: ['audit'],
        policy: 'audit',
        answers: { 200: HeadSchema },
      },
    },
    async (_request, reply) => {
      await ledger.seal();
      const { first, sealedTo, hash } = await ledger.span();
      sendJson(reply, 200, JSON.stringify(sign({ first_id: first, entries: sealedTo, hash })));
    },
  );

  api.get(
    '/system/audit/export',
    {
      exposeHeadRoute: false,
      config: {
        summary: 'Every entry, one JSON object a line, and at the end the signed head',
        tags: ['audit'],
        policy: 'audit',
        answers: {
          200: {
            mediaType: 'application/x-ndjson',
            description: 'An audit entry a line, oldest first; the last line is {"head": …}',
          },
        },
      },
    },
    (_request, reply) => sendLines(context, reply, exportLedger(ledger, sign)),
  );
}
