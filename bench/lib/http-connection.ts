/**
 * A keep-alive HTTP/1.1 connection with as little between the measurement and the socket as possible: the load must
 * not cost more than what it loads. Knows answers with a `Content-Length` only.
 */
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export class HttpConnection {
  readonly #socket: Socket;
  #pending: Buffer | null = null;
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new HttpConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a request made by `post` and waits for its answer; one at a time. */
  send(request: Buffer | string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const data = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk;
    const headEnd = data.indexOf(HEAD_END);
    const head = headEnd < 0 ? '' : data.toString('latin1', 0, headEnd);
    const length = headEnd < 0 ? 0 : contentLength(head);
    const end = headEnd + HEAD_END.length + length;
    if (headEnd < 0 || data.length < end) {
      this.#pending = data;
      return;
    }
    this.#pending = data.length > end ? data.subarray(end) : null;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body: data.subarray(headEnd + HEAD_END.length, end) });
  }
}

function contentLength(head: string): number {
  const found = /\r\ncontent-length: *(\d+)/i.exec(head);
  if (!found && /\r\ntransfer-encoding:/i.test(head)) throw new Error('the load generator cannot read chunked answers');
  return found ? Number(found[1]) : 0;
}

/** A POST as bytes, to be sent again and again. */
export function post(path: string, body: unknown): Buffer {
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`);
}
