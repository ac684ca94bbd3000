import type { FastifyReply } from 'fastify';
import type { Command, Reply } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { ApiContext } from './context.ts';
import { MAX_BACKLOG, queueFull } from './overload.ts';
import { sendRefusal } from './problem.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Sends JSON text as it is. */
export function sendJson(reply: FastifyReply, status: number, text: string): void {
  reply.code(status);
  reply.header('content-type', JSON_TYPE);
  reply.send(text);
}

export function sendNothing(reply: FastifyReply): void {
  reply.code(204).send();
}

/**
 * Has the kernel carry out a command and sends what becomes of it. Callbacks instead of an async handler, since this
 * is what every submit and every completion goes through.
 */
export function carryOut<C extends Command>(
  { kernel }: ApiContext,
  reply: FastifyReply,
  command: C,
  send: (reply: FastifyReply, answer: Reply<C>) => void,
): void {
  if (kernel.backlog() > MAX_BACKLOG) {
    sendRefusal(reply, queueFull());
    return;
  }
  const fail = (fault: unknown) => {
    reply.send(fault);
  };
  kernel.execute(command).then((answer) => {
    try {
      if (answer instanceof Refusal) sendRefusal(reply, answer);
      else send(reply, answer);
    } catch (fault) {
      fail(fault);
    }
  }, fail);
}
