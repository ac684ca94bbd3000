/**
 * A real kernel behind the real API, on a store in memory or, in the project that says so, on a Redis server of the test
 * file's own; requests go in without a socket unless it listens.
 */
import { randomUUID } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Kernel } from '../../src/body/kernel.ts';
import { compose } from '../../src/compose.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { sharedRedis } from '../../src/testing/fresh-store.ts';
import { KEY_FILE } from '../../src/testing/key-file.ts';
import type { RedisServer } from '../../src/testing/redis-server.ts';

export type JsonValue = ReturnType<typeof JSON.parse>;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly json: JsonValue;
}

export interface Harness {
  readonly config: Config;
  readonly kernel: Kernel;
  /** `call('POST /tasks', body, headers)`; a string body is sent as it is. */
  call(route: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Starts listening on a free port and answers the base URL. */
  listen(): Promise<string>;
  stop(): Promise<void>;
}

function freshStore(): Record<string, string> {
  return sharedRedis ? onRedis(sharedRedis, randomUUID()) : { COLONY_MEMORY_CONNECTION_STRING: ':memory:' };
}

/** What makes a kernel one of this colony's. */
export function onRedis(server: Pick<RedisServer, 'url'>, colony: string): Record<string, string> {
  return {
    COLONY_MEMORY_BACKEND: 'redis',
    COLONY_MEMORY_CONNECTION_STRING: server.url,
    COLONY_SYSTEM_ID: colony,
    COLONY_SIGNING_KEY_FILE: KEY_FILE,
  };
}

/** Starts a colony that ends with the test. */
export async function startColony(env: Readonly<Record<string, string>> = {}): Promise<Harness> {
  const log: Logger = pino({ level: 'silent' });
  const common = { COLONY_HOST: '127.0.0.1', COLONY_PORT: '0', COLONY_EMBEDDINGS_MODEL: 'ngrams' };
  const config = loadConfig({ ...freshStore(), ...common, ...env }, '/nonexistent');
  const { api, kernel } = await compose(config, log, '0.0.0-test');
  let listening = false;
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= listening ? api.stop() : kernel.stop();
    return stopped;
  };
  onTestFinished(stop);
  return {
    config,
    kernel,
    stop,
    async call(route, body, headers = {}) {
      const [method, url] = route.split(' ') as ['GET', string];
      const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const response = await api.app.inject({
        method,
        url,
        headers: { ...type, ...headers },
        ...(payload !== undefined && { payload }),
      });
      return {
        status: response.statusCode,
        headers: response.headers,
        text: response.payload,
        json:
          /json/.test(String(response.headers['content-type'])) && response.payload
            ? tryParse(response.payload)
            : undefined,
      };
    },
    async listen() {
      listening = true;
      return api.listen();
    },
  };
}

function tryParse(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A socket whose messages can be waited for. Arrays of messages are taken apart. */
export class TestSocket {
  readonly socket: WebSocket;
  readonly messages: JsonValue[] = [];
  /** The status and body of a refused upgrade. */
  refused: { status: number; headers: Readonly<Record<string, unknown>>; json: JsonValue } | null = null;
  closed: { code: number; reason: string } | null = null;
  #wake: () => void = () => {};

  constructor(url: string, options: { protocols?: string[]; headers?: Record<string, string> } = {}) {
    this.socket = new WebSocket(url.replace('http', 'ws'), options.protocols ?? [], { headers: options.headers ?? {} });
    this.socket.on('message', (data) => {
      const text = data.toString();
      const message = text === 'pong' ? text : JSON.parse(text);
      this.messages.push(...(Array.isArray(message) ? message : [message]));
      this.#wake();
    });
    this.socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const json = JSON.parse(Buffer.concat(chunks).toString());
        this.refused = { status: response.statusCode ?? 0, headers: response.headers, json };
        this.#wake();
      });
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    this.socket.on('open', () => this.#wake());
    this.socket.on('error', () => this.#wake());
    onTestFinished(() => this.socket.terminate());
  }

  send(...messages: unknown[]): void {
    this.socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  /** Waits until `look` finds something. */
  async until<T>(look: (socket: TestSocket) => T | undefined | null | false): Promise<T> {
    for (;;) {
      const found = look(this);
      if (found !== undefined && found !== null && found !== false) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async open(): Promise<this> {
    await this.until(({ socket, refused }) => socket.readyState === WebSocket.OPEN || refused !== null);
    return this;
  }

  message(matches: (message: JsonValue) => boolean): Promise<JsonValue> {
    return this.until(({ messages }) => messages.find(matches));
  }
}

/**
 * Runs `act`, which makes a worker heard of, and resolves once the kernel has heard of it: that is, once a request that
 * itself gets no answer for the moment has arrived.
 */
export async function arrived<T>(colony: Awaited<ReturnType<typeof startColony>>, workerId: string, act: () => T) {
  const lastHeard = async () => (await colony.call(`GET /workers/${workerId}`)).json.last_heartbeat as string;
  const before = await lastHeard();
  // Times have milliseconds: the next sign of life must not fall into the same one.
  while (Date.now() <= Date.parse(before)) await new Promise((resolve) => setImmediate(resolve));
  const underWay = { answer: act() };
  await expect.poll(lastHeard).not.toBe(before);
  return underWay;
}

const BEAT_MS = 10;

/** How long something takes, in milliseconds in which this process could run: what a busy machine takes from it does not count. */
export async function lasting(act: () => Promise<unknown>): Promise<number> {
  let beats = 0;
  const heart = setInterval(() => beats++, BEAT_MS);
  try {
    await act();
  } finally {
    clearInterval(heart);
  }
  return beats * BEAT_MS;
}
