import type { ServerResponse } from 'node:http';
import type { Consumer, Subscription, WireEvent } from '../body/event-relay.ts';
import { Refusal } from '../core/errors.ts';
import type { Api, ApiContext } from './context.ts';
import { readInterest } from './interest.ts';
import { type Connection, KeepAlive } from './keep-alive.ts';
import { sendRefusal } from './problem.ts';
import { EventsQuery } from './schemas/system.ts';

const HEARTBEAT_MS = 15_000;
type Events = readonly WireEvent[];

/**
 * `GET /events`: the event stream as Server-Sent Events.
 * @param open the streams that are open; a stop does not wait for them as it does for other requests
 */
export function eventStreamRoute(api: Api, { kernel }: ApiContext, open: Set<EventStream>): void {
  const keepAlive = new KeepAlive(HEARTBEAT_MS);

  api.get(
    '/events',
    {
      exposeHeadRoute: false,
      schema: { querystring: EventsQuery },
      config: {
        summary: 'The event stream (Server-Sent Events)',
        tags: ['events'],
        policy: 'read',
        resumable: true,
        answers: { 200: { mediaType: 'text/event-stream', description: 'Each `data:` line is an Event' } },
      },
    },
    async (request, reply) => {
      const interest = readInterest(request.query, request.headers['last-event-id']);
      if (interest instanceof Refusal) return sendRefusal(reply, interest);
      const stream = new EventStream(reply.raw);
      const subscription = await kernel.relay.subscribe(interest, stream);
      if (subscription instanceof Refusal) return sendRefusal(reply, subscription);
      if (reply.raw.destroyed) return subscription.close();
      const headers = reply.getHeaders();
      reply.hijack();
      stream.open(headers, subscription, keepAlive);
      open.add(stream);
      reply.raw.on('close', () => open.delete(stream));
      return;
    },
  );
}

/** One watcher's end of `GET /events`. */
export class EventStream implements Consumer, Connection {
  readonly #response: ServerResponse;
  #early: Events[] | null = [];

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  open(headers: Record<string, unknown>, subscription: Subscription, keepAlive: KeepAlive): void {
    const response = this.#response;
    response.writeHead(200, {
      ...(headers as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write(':\n\n');
    const rest = keepAlive.add(this);
    response.on('drain', () => subscription.drained());
    response.on('close', () => {
      rest();
      subscription.close();
    });
    const early = this.#early ?? [];
    this.#early = null;
    for (const events of early) this.send(events);
  }

  send(events: Events): void {
    if (this.#early !== null) {
      this.#early.push(events);
      return;
    }
    let text = '';
    // Without an id line the browser keeps the last one: an ephemeral event is no position.
    for (const { id, json } of events) text += id === null ? `data: ${json}\n\n` : `id: ${id}\ndata: ${json}\n\n`;
    this.#response.write(text);
  }

  backlog(): number {
    return this.#response.writableLength;
  }

  end(reason: 'slow' | 'stopping'): void {
    // What a slow reader has not taken is dropped with the connection; it comes back with Last-Event-ID.
    if (reason === 'slow') this.#response.destroy();
    else this.#response.end();
  }

  beat(): void {
    this.#response.write(':\n\n');
  }
}
