import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Consumer, Subscription, WireEvent } from '../body/event-relay.ts';
import { textFrames, unsent } from './frames.ts';
import { type Connection, Silence } from './keep-alive.ts';

type Events = readonly WireEvent[];

/** A client that answers `ping` after `ping` without reading must not fill the memory. */
const MAX_UNSENT = 8 * 1024 * 1024;
const MAX_SILENCE_MS = 60_000;

/** Watchers that see the same events get the same bytes: they are made once, for whoever comes first. */
let lastEvents: Events = [];
let lastFrames: Buffer = Buffer.alloc(0);

function framesOf(events: Events): Buffer {
  const same =
    events.length === lastEvents.length && events.every(({ json }, index) => json === lastEvents[index]!.json);
  if (!same) {
    lastFrames = textFrames(events.map(({ json }) => json));
    lastEvents = events;
  }
  return lastFrames;
}

/**
 * One watcher's end of `WS /ws/events`. It is subscribed before the upgrade, so that a position that is gone can
 * still be answered with 410; what arrives before the socket is open waits here.
 */
export class EventSocket implements Consumer, Connection {
  #socket: WebSocket | null = null;
  #connection: Duplex | null = null;
  #early: Events[] = [];
  #ended: 'slow' | 'stopping' | null = null;
  readonly #silence = new Silence(MAX_SILENCE_MS);

  open(socket: WebSocket, connection: Duplex, subscription: Subscription): void {
    this.#socket = socket;
    this.#connection = connection;
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('pong', () => this.#silence.broken());
    socket.on('close', () => subscription.close());
    connection.on('drain', () => subscription.drained());
    for (const events of this.#early.splice(0)) this.send(events);
    if (this.#ended !== null) this.end(this.#ended);
  }

  send(events: Events): void {
    if (this.#socket === null || this.#connection === null) {
      this.#early.push(events);
      return;
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#connection.write(framesOf(events));
  }

  backlog(): number {
    return this.#connection === null ? 0 : unsent(this.#connection);
  }

  end(reason: 'slow' | 'stopping'): void {
    this.#ended = reason;
    if (reason === 'slow') this.#socket?.close(1013, 'too far behind: come back with since');
    else this.#socket?.close(1001, 'the kernel is stopping');
  }

  terminate(): void {
    this.#socket?.terminate();
  }

  beat(): void {
    if (this.#silence.tooLong) this.terminate();
    else this.#socket?.ping();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#silence.broken();
    if (isBinary || data.toString() !== 'ping') return;
    if (this.backlog() > MAX_UNSENT) this.terminate();
    else this.#socket?.send('pong');
  }
}
