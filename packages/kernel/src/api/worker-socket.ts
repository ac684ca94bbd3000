import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { WorkerLink } from '../body/links.ts';
import type { Assignment } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { Worker } from '../core/worker.ts';
import type { ApiContext } from './context.ts';
import { asRefusal } from './fault.ts';
import { unsent } from './frames.ts';
import { parseJson } from './json-text.ts';
import { type Connection, Silence } from './keep-alive.ts';
import { Outbox } from './outbox.ts';
import { renderAssignment } from './render.ts';
import { readFrame, refOf } from './worker-frames.ts';

/** Frames whose commands are not answered yet: beyond the first the socket is not read, below the second it is again. */
const PAUSE_ABOVE = 2000;
const RESUME_BELOW = 1000;
const MAX_MESSAGES_A_FRAME = 10_000;
const MAX_UNSENT = 16 * 1024 * 1024;
const MAX_SILENCE_MS = 60_000;
/** A busy socket need not say with every frame that its worker lives. */
const TOUCH_EVERY_MS = 100;

/** One worker's `WS /ws/worker`: tasks are pushed while it has credit, outcomes come back, both in batches. */
export class WorkerSocket implements WorkerLink, Connection {
  readonly workerId: string;
  readonly isSignOfLife = false;
  readonly #context: ApiContext;
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #outbox: Outbox;
  readonly #actor: string;
  readonly #detach: () => void;
  readonly #silence: Silence;
  #unanswered = 0;
  #draining = false;
  /** It is to be closed as soon as nothing is unanswered. */
  #leaving = false;
  #idle: (() => void) | null = null;
  #touchedAt = 0;

  constructor(context: ApiContext, worker: Worker, socket: WebSocket, connection: Duplex) {
    this.workerId = worker.id;
    this.#context = context;
    this.#socket = socket;
    this.#connection = connection;
    this.#outbox = new Outbox(connection);
    this.#actor = `worker:${worker.id}`;
    // A worker whose handler keeps its event loop busy may be silent for as long as its leases last.
    this.#silence = new Silence(Math.max(MAX_SILENCE_MS, context.kernel.rules.leaseMs));
    this.#detach = context.kernel.workers.attach(this, worker);
    socket.on('message', (data) => this.#onMessage(data));
    socket.on('pong', () => this.#heard());
    socket.on('close', () => this.#detach());
  }

  assign(assignments: readonly Assignment[], leaseExpiresAt: number): void {
    const now = Date.now();
    for (const each of assignments)
      this.#push(`{"type":"assign","task":${renderAssignment(each, leaseExpiresAt, now)}}`);
  }

  cancel(taskId: string, reason: string): void {
    this.#push(`{"type":"cancel","task_id":"${taskId}","reason":${JSON.stringify(reason)}}`);
  }

  /** Heard of more than once: when it begins to drain, when it has left, and again from the ledger. It is told once. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#push('{"type":"drain"}');
  }

  /** The other side may register anew. What the same commit has to say to it goes first. */
  removed(): void {
    setImmediate(() => this.#leave());
  }

  /** Closes the socket, once all it asked has been answered: the ledger may bring the news before the store's own answer. */
  #leave(): void {
    this.#leaving = true;
    if (this.#unanswered > 0) return;
    this.#outbox.flush();
    this.#socket.close(1008, 'worker_not_found');
  }

  /** Another socket of the same worker has taken over: this one gets nothing more until it asks. */
  forfeitCredit(): void {
    this.#context.kernel.workers.credit(this, 0);
  }

  /** Takes nothing more, answers what is under way, then says goodbye. */
  async stop(): Promise<void> {
    this.#detach();
    this.#socket.pause();
    if (this.#unanswered > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#outbox.flush();
    // The other side's goodbye can only be heard when the socket is read again.
    this.#socket.close(1001, 'the kernel is stopping');
    this.#socket.resume();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  beat(): void {
    if (this.#silence.tooLong) this.terminate();
    else this.#socket.ping();
  }

  #push(message: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (unsent(this.#connection) > MAX_UNSENT) this.#socket.close(1013, 'too far behind');
    else this.#outbox.push(message);
  }

  /** Whatever comes from it is a sign of life. */
  #heard(): void {
    this.#silence.broken();
    const now = performance.now();
    if (now - this.#touchedAt < Math.min(TOUCH_EVERY_MS, this.#context.kernel.rules.leaseMs / 10)) return;
    this.#touchedAt = now;
    this.#context.kernel.workers.touch(this.workerId).then(
      (refused) => {
        if (refused?.code === 'worker_not_found') this.removed();
      },
      (fault: unknown) => this.#refuse(null, null, asRefusal(fault)),
    );
  }

  #onMessage(data: RawData): void {
    this.#heard();
    let message: unknown;
    try {
      message = parseJson(data.toString());
    } catch {
      this.#refuse(null, null, new Refusal('malformed_json', 'A frame must be a JSON object or an array of them.'));
      return;
    }
    if (!Array.isArray(message)) this.#take(message);
    else if (message.length <= MAX_MESSAGES_A_FRAME) for (const each of message) this.#take(each);
    else
      this.#refuse(null, null, new Refusal('validation_failed', `A frame may hold ${MAX_MESSAGES_A_FRAME} messages.`));
  }

  #take(message: unknown): void {
    const ref = refOf(message);
    const frame = readFrame(message, this.#actor);
    const { kernel } = this.#context;
    if (frame instanceof Refusal) this.#refuse(ref, null, frame);
    else if (frame.kind === 'command') this.#await(kernel.execute(frame.command), ref, frame.command.taskId, true);
    else if (frame.kind === 'heartbeat')
      this.#await(kernel.workers.heartbeat(this.workerId, frame.tasks), ref, null, ref !== null);
    else {
      kernel.workers.credit(this, frame.slots);
      if (ref !== null) this.#acknowledge(ref, null);
    }
  }

  #await(answer: Promise<unknown>, ref: string | number | null, taskId: string | null, acknowledge: boolean): void {
    if (++this.#unanswered > PAUSE_ABOVE) this.#socket.pause();
    answer.then(
      (answer) => {
        if (answer instanceof Refusal) this.#refuse(ref, taskId, answer);
        else if (acknowledge) this.#acknowledge(ref, taskId);
        this.#answered();
      },
      (fault: unknown) => {
        const refusal = asRefusal(fault);
        if (refusal.code === 'internal_error') this.#context.log.error({ err: fault }, 'a frame failed');
        this.#refuse(ref, taskId, refusal);
        this.#answered();
      },
    );
  }

  #answered(): void {
    this.#unanswered--;
    if (this.#unanswered === 0 && this.#leaving) this.#leave();
    if (this.#unanswered === 0 && this.#idle !== null) this.#idle();
    else if (this.#unanswered === RESUME_BELOW && this.#idle === null) this.#socket.resume();
  }

  #acknowledge(ref: string | number | null, taskId: string | null): void {
    this.#push(`{"type":"ack","ref":${JSON.stringify(ref)},"task_id":${JSON.stringify(taskId)}}`);
  }

  #refuse(ref: string | number | null, taskId: string | null, { code, detail }: Refusal): void {
    this.#push(JSON.stringify({ type: 'error', ref, task_id: taskId, code, detail }));
  }
}
