import { Readable } from 'node:stream';
import type { Ledger, LedgerQuery } from '../../core/store.ts';
import { sendJson } from '../answer.ts';
import type { Api, ApiContext } from '../context.ts';
import { renderAuditEntry } from '../render.ts';
import { AuditQuery, AuditSchema, VerificationSchema } from '../schemas/system.ts';

const EXPORT_PAGE = 1000;

/** The ledger as an audit log: read it, check its chain, take it away. */
export function auditRoutes(api: Api, { kernel }: ApiContext): void {
  const { ledger } = kernel.store;

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
    '/system/audit/export',
    {
      exposeHeadRoute: false,
      config: {
        summary: 'Every entry, one JSON object a line',
        tags: ['audit'],
        policy: 'audit',
        answers: { 200: { mediaType: 'application/x-ndjson', description: 'An audit entry a line, oldest first' } },
      },
    },
    (_request, reply) => {
      reply
        .header('content-type', 'application/x-ndjson; charset=utf-8')
        .send(Readable.from(exportLines(ledger), { objectMode: false }));
    },
  );
}

/** A page at a time, as fast as the reader takes them, up to what was the head when it began. */
async function* exportLines(ledger: Ledger): AsyncGenerator<string> {
  const head = await ledger.seal();
  let position = (await ledger.span()).first - 1;
  while (position < head) {
    const entries = await ledger.read(position, Math.min(EXPORT_PAGE, head - position));
    const last = entries.at(-1);
    if (last === undefined) return;
    position = last.id;
    yield `${entries.map(renderAuditEntry).join('\n')}\n`;
  }
}
