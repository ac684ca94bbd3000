import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** A stretch of network that a test can cut: passes connections on, or swallows all that is sent, or refuses. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: () => number;
  readonly #pairs = new Set<{ client: Socket; target: Socket }>();
  #port = 0;
  #swallows = false;
  #losesAnswer = false;
  #refused: string | null = null;

  /** @param target answers the port that the next connection goes to */
  static async start(target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.#port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer((client) => this.#connect(client));
  }

  get port(): number {
    return this.#port;
  }

  /** From now on nothing arrives any more, and nobody is told. */
  swallow(): void {
    this.#swallows = true;
    for (const { client, target } of this.#pairs) {
      client.unpipe().resume();
      target.unpipe().resume();
    }
  }

  /** Passes on again what is sent from now on, over new connections: what was swallowed is lost. */
  restore(): void {
    this.#swallows = false;
    this.cut();
  }

  /** What is sent next arrives; what is answered does not, and the connection breaks. */
  loseNextAnswer(): void {
    this.#losesAnswer = true;
  }

  /** Has the server answer this command, in its turn, that it cannot serve just now; null: no command any more. */
  refuse(call: readonly string[] | null): void {
    this.#refused = call && onTheWire(call);
  }

  /** Breaks all connections. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.destroy();
      target.destroy();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    const target = connect(this.#target(), '127.0.0.1');
    const pair = { client, target };
    this.#pairs.add(pair);
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        target.destroy();
        this.#pairs.delete(pair);
      });
    }
    if (this.#swallows) {
      client.resume();
      target.resume();
    } else {
      client.pipe(new Transform({ transform: (sent: Buffer, _, done) => done(null, this.#edited(sent)) })).pipe(target);
      target.on('data', () => {
        if (!this.#losesAnswer) return;
        this.#losesAnswer = false;
        client.destroy();
      });
      target.pipe(client);
    }
  }

  #edited(sent: Buffer): Buffer {
    if (this.#refused === null) return sent;
    const text = sent.toString('latin1').replaceAll(this.#refused, () => REFUSAL);
    return Buffer.from(text, 'latin1');
  }
}

const REFUSAL = onTheWire(['EVAL', "return redis.error_reply('LOADING, or so it says')", '0']);

function onTheWire(call: readonly string[]): string {
  return [`*${call.length}`, ...call.flatMap((word) => [`$${word.length}`, word]), ''].join('\r\n');
}
