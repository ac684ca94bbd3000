import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ColonyEvent } from '../src/event-types.ts';
import { FakeColony, problem } from './fake-colony.ts';

export interface Received {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}

/** What a test may have the kernel do instead: answer otherwise, or hang up. Undefined: as usual. */
export type Intercept = (
  request: Received,
) => { status: number; headers?: object; body?: unknown } | 'hang up' | undefined;

type Message = Record<string, unknown> & { type: string };

/** As much of a kernel as the client's tests need: HTTP and sockets around a colony in memory. */
export class FakeKernel extends FakeColony {
  readonly requests: Received[] = [];
  /** Every message on a worker's socket, in order. */
  readonly messages: Message[] = [];
  /** How many frames they came in. */
  frames = 0;
  readonly events: ColonyEvent[] = [];
  readonly sockets = new Set<WebSocket>();
  intercept: Intercept = () => undefined;
  /** Refuses upgrades. */
  socketsRefused = false;
  /** Acknowledges reports on sockets. */
  acknowledging = true;
  token: string | undefined;
  firstEvent = 1;
  readonly #credit = new Map<WebSocket, { workerId: string; slots: number }>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #ws = new WebSocketServer({
    noServer: true,
    handleProtocols: (p) => (p.has('colony.v1') ? 'colony.v1' : false),
  });

  static async start(port = 0): Promise<FakeKernel> {
    const kernel = new FakeKernel();
    kernel.#server.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '', 'http://x');
      const offered = request.headers['sec-websocket-protocol'] ?? '';
      const token = /colony\.token\.([\w-]+)/.exec(offered)?.[1];
      if (kernel.token && Buffer.from(token ?? '', 'base64url').toString() !== kernel.token)
        return void socket.end('HTTP/1.1 401 x\r\n\r\n');
      if (kernel.socketsRefused || kernel.#gone(url)) return void socket.end('HTTP/1.1 410 x\r\n\r\n');
      return kernel.#ws.handleUpgrade(request, socket, head, (ws) => kernel.#connect(ws, url));
    });
    await new Promise<void>((resolve) => kernel.#server.listen(port, '127.0.0.1', resolve));
    return kernel;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.hangUp();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Breaks all sockets. */
  hangUp(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  received(method: string, path: string | RegExp): Received[] {
    return this.requests.filter(
      (one) => one.method === method && (path instanceof RegExp ? path.test(one.path) : path === one.path),
    );
  }

  emit(type: string, data: ColonyEvent['data'] = {}, ephemeral = false): void {
    const event: ColonyEvent = { type, data, timestamp: new Date().toISOString(), source: 'kernel' };
    if (!ephemeral) this.events.push({ id: this.firstEvent + this.events.length, ...event });
    const text = JSON.stringify(ephemeral ? event : this.events.at(-1));
    for (const socket of this.sockets) if (!this.#credit.has(socket)) socket.send(text);
  }

  /** To all workers' sockets. */
  push(message: object): void {
    for (const socket of this.#credit.keys()) socket.send(JSON.stringify(message));
  }

  /** Gives queued tasks to whoever has credit. */
  override assign(): void {
    for (const [socket, credit] of this.#credit) {
      if (socket.readyState !== socket.OPEN) continue;
      const tasks = this.claim(credit.workerId, credit.slots);
      credit.slots -= tasks.length;
      if (tasks.length > 0) socket.send(JSON.stringify(tasks.map((task) => ({ type: 'assign', task }))));
    }
  }

  #gone(url: URL): boolean {
    const since = url.searchParams.get('since');
    return since !== null && Number(since) < this.firstEvent - 1;
  }

  #connect(socket: WebSocket, url: URL): void {
    this.sockets.add(socket);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.#credit.delete(socket);
    });
    const workerId = url.searchParams.get('worker_id');
    if (workerId === null) {
      const since = Number(url.searchParams.get('since') ?? this.firstEvent + this.events.length);
      for (const event of this.events) if ((event.id ?? 0) > since) socket.send(JSON.stringify(event));
      socket.on('message', (data) => String(data) === 'ping' && socket.send('pong'));
      return;
    }
    this.#credit.set(socket, { workerId, slots: 0 });
    socket.on('message', (data) => {
      this.frames++;
      const frame = JSON.parse(String(data)) as Message | Message[];
      const answers = [frame].flat().flatMap((message) => this.#hear(socket, message));
      if (answers.length > 0) socket.send(JSON.stringify(answers));
      this.assign();
    });
  }

  #hear(socket: WebSocket, message: Message): object[] {
    this.messages.push(message);
    const credit = this.#credit.get(socket);
    if (message.type === 'ready' && credit) credit.slots = message.slots as number;
    if (message.type === 'ready' || message.type === 'heartbeat' || !this.acknowledging) return [];
    const refusal = this.report(message.task_id as string, message.type, message);
    if (refusal) return [{ type: 'error', ref: message.ref, code: refusal.code, detail: 'no' }];
    return [{ type: 'ack', ref: message.ref, task_id: message.task_id }];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += piece;
    const url = new URL(request.url ?? '', 'http://x');
    const received = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
    };
    this.requests.push(received);
    const authorized = !this.token || request.headers.authorization === `Bearer ${this.token}`;
    const answer =
      this.intercept(received) ?? (authorized ? this.#answer(received, url) : problem(401, 'unauthorized'));
    if (answer === 'hang up') return void request.socket.destroy();
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? '');
    response
      .writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      .end(answer.status === 204 ? '' : text);
  }

  #answer({ method, path, body }: Received, url: URL): { status: number; headers?: object; body?: unknown } {
    const input = body === '' ? {} : JSON.parse(body);
    const [, root, id = '', verb = ''] = path.split('/');
    if (path === '/tasks/batch') return this.batch(input);
    if (path === '/events' && this.#gone(url)) return problem(410, 'position_gone');
    if (path === '/events') return { status: 200, body: ': hello\n\n' };
    if (path === '/workers' && method === 'POST') {
      const worker = { ...input, id: `worker-${this.next++}`, status: 'idle', draining: false };
      this.workers.set(worker.id, worker);
      return { status: 201, body: worker };
    }
    if (root === 'workers') {
      const worker = this.workers.get(id);
      if (!worker) return problem(404, 'worker_not_found');
      if (verb === 'claim') return { status: 200, body: { tasks: this.claim(id, input.max_tasks) } };
      const unheld = input.tasks ? this.held(id).filter((task) => !input.tasks.includes(task)) : [];
      for (const task of unheld) this.revoke(task, 'queued');
      if (method === 'DELETE') this.workers.delete(id);
      if (method === 'GET') return { status: 200, body: { ...worker, current_tasks: this.held(id) } };
      return { status: 204 };
    }
    if (root === 'tasks' && method === 'POST') {
      const refusal = this.report(id, verb, input);
      return refusal ? problem(409, refusal.code) : { status: 200, body: this.tasks.get(id) };
    }
    const task = this.tasks.get(id);
    return task ? { status: 200, body: task } : problem(404, 'task_not_found');
  }
}
