import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { noSuchWorker } from '../body/decide/missing.ts';
import { Refusal } from '../core/errors.ts';
import { SUBPROTOCOL } from './auth.ts';
import { MAX_BODY } from './body.ts';
import type { ApiContext } from './context.ts';
import { asRefusal } from './fault.ts';
import type { Gate } from './gate.ts';
import { type EventsQueryValues, readInterest } from './interest.ts';
import { type Connection, KeepAlive } from './keep-alive.ts';
import type { Policy } from './policy.ts';
import { invalidField, problemHeaders, problemOf } from './problem.ts';
import { EventsQuery } from './schemas/system.ts';
import { type InvalidRequest, validatorCompiler } from './validate.ts';
import { EventSocket } from './websocket.ts';
import { WorkerSocket } from './worker-socket.ts';

const KEEP_ALIVE_MS = 15_000;
const ROUTES: Readonly<Record<string, Policy>> = { '/ws/events': 'read', '/ws/worker': 'work' };

/**
 * The WebSockets. They stand beside Fastify, directly on the server's upgrade event, so that whatever speaks against
 * an upgrade is answered in plain HTTP, as problem details, before there is a socket.
 */
export class Sockets {
  readonly #context: ApiContext;
  readonly #gate: Gate;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY + 64 * 1024,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  readonly #watching = new KeepAlive(KEEP_ALIVE_MS);
  readonly #working: KeepAlive;
  readonly #checkQuery = validatorCompiler({
    schema: EventsQuery,
    httpPart: 'querystring',
    method: 'GET',
    url: '/ws/events',
  });
  readonly #workers = new Set<WorkerSocket>();
  readonly #watchers = new Set<EventSocket>();

  constructor(context: ApiContext, gate: Gate) {
    this.#context = context;
    this.#gate = gate;
    // Pings are what renews the leases of a worker that is quiet because it works.
    this.#working = new KeepAlive(Math.min(KEEP_ALIVE_MS, context.kernel.rules.leaseMs / 3));
    this.#server.on('wsClientError', (_fault, connection, request) => {
      refuse(connection, request, invalidField('header.Upgrade', 'must be a WebSocket handshake of version 13'));
    });
  }

  /** How many sockets are open. */
  get size(): number {
    return this.#workers.size + this.#watchers.size;
  }

  /** The server's `upgrade` event. */
  async upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    connection.on('error', () => connection.destroy());
    try {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kernel');
      const path = pathname.replace(/\/$/, '');
      const policy = Object.hasOwn(ROUTES, path) ? ROUTES[path]! : null;
      const principal = this.#gate.admit(request, { policy, kind: 'upgrade' });
      if (principal instanceof Refusal) return refuse(connection, request, principal);
      if (policy === null)
        return refuse(connection, request, new Refusal('not_found', `There is no socket at ${path}.`));
      const refusal =
        path === '/ws/events'
          ? await this.#openEvents(request, connection, head, searchParams)
          : await this.#openWorker(request, connection, head, searchParams);
      if (refusal !== null) refuse(connection, request, refusal);
    } catch (fault) {
      const refusal = asRefusal(fault);
      if (refusal.status >= 500) this.#context.log.error({ err: fault, url: request.url }, 'an upgrade failed');
      refuse(connection, request, refusal);
    }
  }

  /** Answers what workers have under way and closes their sockets; event streams end when the kernel has stopped. */
  async stopWorkers(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
  }

  /** Ends the event streams that the kernel has not ended itself. */
  closeWatchers(): void {
    for (const watcher of this.#watchers) watcher.end('stopping');
  }

  terminateAll(): void {
    for (const socket of [...this.#workers, ...this.#watchers]) socket.terminate();
  }

  async #openEvents(
    request: IncomingMessage,
    connection: Duplex,
    head: Buffer,
    parameters: URLSearchParams,
  ): Promise<Refusal | null> {
    const query: EventsQueryValues = Object.fromEntries(parameters);
    const checked = this.#checkQuery(query);
    if (checked !== true) return (checked as { error: InvalidRequest }).error.refusal;
    const interest = readInterest(query);
    if (interest instanceof Refusal) return interest;
    const watcher = new EventSocket();
    const subscription = await this.#context.kernel.relay.subscribe(interest, watcher);
    if (subscription instanceof Refusal) return subscription;
    if (connection.destroyed) {
      subscription.close();
      return null;
    }
    const opened = this.#accept(request, connection, head, (socket) => {
      watcher.open(socket, connection, subscription);
      this.#keep(this.#watchers, this.#watching, watcher, socket);
    });
    if (!opened) subscription.close();
    return null;
  }

  async #openWorker(
    request: IncomingMessage,
    connection: Duplex,
    head: Buffer,
    parameters: URLSearchParams,
  ): Promise<Refusal | null> {
    const workerId = parameters.get('worker_id');
    if (workerId === null || workerId === '') return invalidField('query.worker_id', 'is required');
    const { kernel } = this.#context;
    const refused = await kernel.workers.touch(workerId);
    if (refused) return refused;
    const worker = await kernel.store.worker(workerId);
    if (worker === null) return noSuchWorker(workerId);
    if (connection.destroyed) return null;
    this.#accept(request, connection, head, (socket) => {
      for (const other of this.#workers) if (other.workerId === workerId) other.forfeitCredit();
      this.#keep(this.#workers, this.#working, new WorkerSocket(this.#context, worker, socket, connection), socket);
    });
    return null;
  }

  /** Completes the handshake. False when it was not a proper one; that has been answered then. */
  #accept(request: IncomingMessage, connection: Duplex, head: Buffer, open: (socket: WebSocket) => void): boolean {
    let opened = false;
    this.#server.handleUpgrade(request, connection, head, (socket) => {
      opened = true;
      socket.on('error', () => socket.terminate());
      open(socket);
    });
    return opened;
  }

  #keep<T extends Connection>(open: Set<T>, keepAlive: KeepAlive, connection: T, socket: WebSocket): void {
    open.add(connection);
    const rest = keepAlive.add(connection);
    socket.on('close', () => {
      rest();
      open.delete(connection);
    });
  }
}

/** A refused upgrade is a plain HTTP answer. */
function refuse(connection: Duplex, request: IncomingMessage, refusal: Refusal): void {
  if (!connection.writable) return;
  const body = JSON.stringify(problemOf(refusal, (request.url ?? '/').split('?', 1)[0]!));
  const headers = { ...problemHeaders(refusal), connection: 'close', 'content-length': Buffer.byteLength(body) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  connection.end(`HTTP/1.1 ${refusal.status} ${refusal.title}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}
