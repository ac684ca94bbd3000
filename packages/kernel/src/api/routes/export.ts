import type { FastifyReply, FastifyRequest } from 'fastify';
import { writeArchive } from '../../archive/write.ts';
import type { Export } from '../../body/exports.ts';
import { timestamp } from '../../core/clock.ts';
import { Refusal } from '../../core/errors.ts';
import type { Api, ApiContext } from '../context.ts';
import { sendLines } from '../download.ts';
import { sendRefusal } from '../problem.ts';
import { NoBody } from '../schemas/task.ts';

/** The whole colony, as a file that `colonyos import` makes a colony of. */
export function exportRoutes(api: Api, context: ApiContext): void {
  const { kernel, signer, config, stopping, log } = context;
  const route = {
    summary: 'The whole colony as it is at this moment, one JSON object a line',
    tags: ['system'],
    policy: 'admin',
    answers: {
      200: {
        mediaType: 'application/x-ndjson',
        description:
          'What colonyos import takes; the last line is {"kind":"end", …}, and without it something is missing',
      },
    },
  } as const;

  async function send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const begun = await kernel.exports.begin(request.principal.name);
    if (begun instanceof Refusal) {
      sendRefusal(reply, begun);
      return reply;
    }
    endWith(reply, begun);
    const about = { system_id: config.systemId, timestamp: timestamp(begun.at) };
    const name = `${config.systemId}-${about.timestamp.replace(/\W/g, '')}.ndjson`;
    reply.header('content-disposition', `attachment; filename="${name}"`);
    return sendLines(context, reply, writeArchive(begun.pieces, about, signer));
  }

  /** Whatever ends the answer, and before the kernel stops: nothing is held any longer then. */
  function endWith({ raw }: FastifyReply, begun: Export): void {
    const cut = () => raw.destroy();
    const end = () => {
      stopping.removeEventListener('abort', cut);
      begun.end().catch((error: unknown) => log.error({ err: error }, 'the end of an export'));
    };
    stopping.addEventListener('abort', cut);
    if (raw.destroyed) end();
    else raw.once('close', end);
  }

  api.get('/system/export', { exposeHeadRoute: false, config: route }, send);
  api.post('/system/export', { schema: { body: NoBody }, config: route }, send);
}
