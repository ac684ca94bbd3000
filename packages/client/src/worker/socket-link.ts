import { byteLength, soon } from '../platform.ts';
import { abandon, watchdog } from '../socket.ts';
import { type KernelMessage, type Progress, pack, progressMessage, reportMessage } from './frames.ts';
import type { HttpReporter } from './http-reporter.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Report } from './outbox.ts';

/** A frame of several messages ends at about this size; the kernel refuses 1 MiB. */
const MAX_FRAME_BYTES = 256_000;
/** A single report above this goes by HTTP: too large a frame would cost the connection, a refused body does not. */
const MAX_MESSAGE_BYTES = 900_000;
const SILENCE_MS = 15_000;

/**
 * Tasks by socket. The kernel pushes as many as it has credit for, `ready {slots}`. Each `ready` replaces what was
 * left of the one before; it is sent whenever more slots are free than credit is out, in the same frame as the
 * reports that freed them. An assignment that crosses a `ready` makes the credit one too many, which the kernel's own
 * bound (never more than `max_concurrent_tasks`) catches.
 */
export class SocketLink implements Link {
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #events: LinkEvents;
  readonly #http: HttpReporter;
  readonly #free: () => number;
  readonly #progressRefs = new Map<string, Progress>();
  #messages: string[] = [];
  #scheduled = false;
  #credit = 0;
  #taking = false;
  #over = () => {};
  #lastRef = 0;
  #heartbeatRef = '';
  #heartbeatsAnswered = false;

  /** @param free how many more tasks can start at once */
  constructor(socket: WebSocket, events: LinkEvents, http: HttpReporter, free: () => number) {
    this.#socket = socket;
    this.#events = events;
    this.#http = http;
    this.#free = free;
    this.closed = new Promise((resolve) => {
      const dog = watchdog(
        SILENCE_MS,
        () => this.#askForLife(),
        () => this.#heartbeatsAnswered && this.close(),
      );
      this.#over = () => {
        dog.stop();
        socket.onmessage = null;
        resolve();
      };
      socket.onclose = this.#over;
      if (socket.readyState >= WebSocket.CLOSING) this.#over();
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        dog.heard();
        const frame = JSON.parse(data) as KernelMessage | KernelMessage[];
        if (Array.isArray(frame)) for (const message of frame) this.#receive(message);
        else this.#receive(frame);
      };
    });
  }

  /** Begins to take tasks. */
  start(): void {
    this.#taking = true;
    this.freed();
  }

  stop(): void {
    this.#taking = false;
    this.#push('{"type":"ready","slots":0}');
  }

  report(report: Report): void {
    const message = reportMessage(report);
    // Three bytes is the most a UTF-16 unit takes, so most messages need no counting.
    if (message.length * 3 > MAX_MESSAGE_BYTES && byteLength(message) > MAX_MESSAGE_BYTES) this.#http.report(report);
    else this.#push(message);
  }

  progress(progress: Progress): void {
    const ref = `p${++this.#lastRef}`;
    this.#progressRefs.set(ref, progress);
    this.#push(progressMessage(ref, progress));
  }

  freed(): void {
    if (this.#taking) this.#flushSoon();
  }

  close(): void {
    this.#flush();
    abandon(this.#socket);
    this.#over();
  }

  #push(message: string): void {
    this.#messages.push(message);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    soon(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    const slots = this.#taking ? this.#free() : 0;
    if (slots > this.#credit) {
      this.#credit = slots;
      this.#messages.push(`{"type":"ready","slots":${slots}}`);
    }
    const messages = this.#messages;
    this.#messages = [];
    for (const frame of pack(messages, MAX_FRAME_BYTES)) this.#socket.send(frame);
  }

  #receive(message: KernelMessage): void {
    if (message.type === 'assign') {
      this.#credit = Math.max(0, this.#credit - 1);
      this.#events.assigned(message.task);
    } else if (message.type === 'ack') {
      this.#answered(message.ref);
    } else if (message.type === 'cancel') {
      this.#events.cancelled(message.task_id, message.reason ?? 'cancelled');
    } else if (message.type === 'error') {
      this.#refused(message.ref ?? '', message.code, message.detail);
    } else if (message.type === 'drain') {
      this.#events.draining();
    }
  }

  #answered(ref: string): void {
    if (ref === this.#heartbeatRef) {
      this.#heartbeatsAnswered = true;
      return;
    }
    const progress = this.#progressRefs.get(ref);
    this.#progressRefs.delete(ref);
    if (progress) this.#events.progressed(progress);
    else this.#events.acknowledged(ref);
  }

  #refused(ref: string, code: string, detail: string): void {
    const progress = this.#progressRefs.get(ref);
    if (progress) {
      this.#progressRefs.delete(ref);
      this.#events.progressed(progress, code);
    } else if (code === 'worker_not_found') {
      // Whoever takes over finds out the same by HTTP, and registers anew.
      this.close();
    } else if (/^\d+$/.test(ref)) {
      this.#events.refused(ref, code, detail);
    } else {
      this.#events.failed(new Error(`the kernel refused a message: ${code}: ${detail}`));
    }
  }

  /** A frame that is answered. A kernel that does not answer heartbeats is not thought dead for its silence. */
  #askForLife(): void {
    this.#heartbeatRef = `h${++this.#lastRef}`;
    this.#push(`{"type":"heartbeat","ref":"${this.#heartbeatRef}"}`);
  }
}
