import { setTimeout as pause } from 'node:timers/promises';
import { createClient, createCluster, ErrorReply } from '@redis/client';
import { StorageUnavailable } from '../core/errors.ts';
import type { Script } from './script.ts';

export type Reply = string | number | null | Reply[];
/** A command and its arguments, as they go over the wire. */
export type Call = readonly string[];

export interface RedisOptions {
  /** `redis://` or `rediss://`; of a cluster, any of its nodes. */
  readonly url: string;
  /** How long one round trip may take, connecting and reconnecting included, in milliseconds. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 2000;
const RECONNECT_MS = 50;
const LATE = Symbol();
/** What a server says that cannot serve just now, and may in a moment: it starts, hands over, or is handed over to. */
const NOT_NOW = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|BUSY|UNBLOCKED)\b/;
/** What a node of a cluster says as long as the colony's slot is being moved to another one; the latter to scripts. */
const SLOT_MOVES = /^(ASK|TRYAGAIN)\b|attempted to access a non local key/i;
/** What it says when nothing can be written, whatever one tries. */
const NO_WRITING = /^(OOM|MISCONF|NOREPLICAS|OVERTAKEN)\b/;

/** One way to talk to a server or a cluster; of no use any more once it has failed. */
export interface Line {
  send(key: string, call: Call): Promise<Reply>;
  destroy(): void;
}

/**
 * A connection that is always good to use: made when it is first needed, made anew when it was lost. What is sent
 * may have been carried out although the answer got lost, and is then sent again: everything that goes through here
 * must be harmless to repeat. Throws `StorageUnavailable` when there is no answer in time.
 */
export class RedisConnection {
  readonly #url: string;
  readonly #timeoutMs: number;
  /** A key of the colony's slot, by which a cluster finds the node that serves it. */
  readonly #anchor: string;
  /** Looks over each new connection before anything goes over it. */
  #inspect: (send: (call: Call) => Promise<Reply>) => Promise<void> = async () => undefined;
  #line: Promise<Line> | null = null;
  #isCluster: boolean | null = null;
  #breaks = 0;
  #closed = false;

  constructor({ url, timeoutMs = TIMEOUT_MS }: RedisOptions, anchor: string) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#anchor = anchor;
  }

  /** Has every connection that is made from now on looked over before it is used. */
  inspectWith(inspect: (send: (call: Call) => Promise<Reply>) => Promise<void>): void {
    this.#inspect = inspect;
  }

  /** Sends one command. An error that the server answers is thrown. */
  async send(...call: readonly string[]): Promise<Reply> {
    return (await this.pipeline([call]))[0]!;
  }

  /** Sends commands in one go and in order; others may come in between. */
  pipeline(calls: readonly Call[]): Promise<Reply[]> {
    return this.#inTime((line) => Promise.all(calls.map((call) => line.send(this.#anchor, call))));
  }

  /** Runs a script on the colony's keys: `KEYS[1]` is the key that tells where they are. */
  run(script: Script, args: readonly string[]): Promise<Reply> {
    return this.#inTime((line) => this.#run(line, script, args));
  }

  /** Some scripts and some commands, in one go. */
  together(calls: readonly (Call | { readonly script: Script; readonly args: readonly string[] })[]): Promise<Reply[]> {
    return this.#inTime((line) =>
      Promise.all(
        calls.map((call) =>
          'script' in call ? this.#run(line, call.script, call.args) : line.send(this.#anchor, call),
        ),
      ),
    );
  }

  /** Makes a connection if there is none. */
  async connected(): Promise<void> {
    await this.#inTime(async () => undefined);
  }

  /** Whatever is sent from now on goes over another connection. */
  reconnect(): void {
    this.#drop(this.#line);
  }

  /** How often a connection was lost or given up. From one time to the next, what is sent is carried out in that order. */
  get breaks(): number {
    return this.#breaks;
  }

  /** What tells the connection there is at the moment from any other; null: there is none that `once` can use. */
  get line(): Promise<Line> | null {
    return this.#isCluster ? null : this.#line;
  }

  /**
   * Sends commands in one go over this very connection, to one server, and never again. Answers the replies, errors among
   * them; null when the connection was lost, be it before or after they were carried out. Throws `StorageUnavailable`
   * when there is no answer in time.
   */
  async once(line: Promise<Line>, calls: readonly Call[]): Promise<(Reply | ErrorReply)[] | null> {
    if (this.#line !== line) return null;
    const use = ({ send }: Line) => Promise.all(calls.map((call) => send(this.#anchor, call).catch(orErrorReply)));
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(resolve, this.#timeoutMs, LATE);
    });
    try {
      const answer = await Promise.race([line.then(use), timeout]);
      if (answer !== LATE) return answer;
    } catch {
      this.#drop(line);
      return null;
    } finally {
      clearTimeout(timer);
    }
    this.#drop(line);
    throw new StorageUnavailable('Redis cannot be used: it does not answer');
  }

  close(): void {
    this.#closed = true;
    this.#drop(this.#line);
  }

  async #run(line: Line, script: Script, args: readonly string[]): Promise<Reply> {
    try {
      return await line.send(this.#anchor, ['EVALSHA', script.sha, '1', this.#anchor, ...args]);
    } catch (error) {
      if (!(error instanceof ErrorReply) || !error.message.startsWith('NOSCRIPT')) throw error;
      return line.send(this.#anchor, ['EVAL', script.source, '1', this.#anchor, ...args]);
    }
  }

  async #inTime<T>(use: (line: Line) => Promise<T>): Promise<T> {
    const end = performance.now() + this.#timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(resolve, this.#timeoutMs, LATE);
    });
    let problem = 'it does not answer';
    try {
      for (;;) {
        if (this.#closed) throw new StorageUnavailable('the store is closed');
        const line = this.#connect();
        try {
          const answer = await Promise.race([line.then(use), timeout]);
          if (answer !== LATE) return answer;
        } catch (error) {
          problem = this.#judge(error as Error);
        }
        this.#drop(line);
        if (performance.now() + RECONNECT_MS >= end) throw new StorageUnavailable(`Redis cannot be used: ${problem}`);
        await pause(RECONNECT_MS);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether to try again: then what is wrong; otherwise throws. */
  #judge(error: Error): string {
    if (error instanceof StorageUnavailable || error instanceof TypeError) throw error;
    const said = error.cause instanceof ErrorReply ? error.cause.message : error.message;
    if (SLOT_MOVES.test(said)) return "its cluster is moving the colony's slot to another node";
    if (!(error instanceof ErrorReply) || NOT_NOW.test(said)) return said;
    if (NO_WRITING.test(error.message)) {
      throw new StorageUnavailable(`Redis refuses to write: ${error.message}`, { cause: error });
    }
    throw error;
  }

  #connect(): Promise<Line> {
    this.#line ??= this.#open();
    return this.#line;
  }

  async #open(): Promise<Line> {
    this.#isCluster ??= await this.#asksForCluster();
    const line = await (this.#isCluster ? this.#openCluster() : this.#openServer());
    try {
      await this.#inspect((call) => line.send(this.#anchor, call));
      return line;
    } catch (error) {
      line.destroy();
      throw error;
    }
  }

  async #asksForCluster(): Promise<boolean> {
    const line = await this.#openServer();
    try {
      return /^cluster_enabled:1/m.test(String(await line.send(this.#anchor, ['INFO', 'cluster'])));
    } finally {
      line.destroy();
    }
  }

  async #openServer(): Promise<Line> {
    const client = createClient({ url: this.#url, ...this.#settings() });
    // What is under way fails with it, and says so to whoever waits.
    client.on('error', () => undefined);
    await client.connect();
    return {
      send: (_, call) => client.sendCommand<Reply>(call),
      destroy: () => client.destroy(),
    };
  }

  async #openCluster(): Promise<Line> {
    const cluster = createCluster({
      rootNodes: [{ url: this.#url }],
      RESP: 2,
      minimizeConnections: true,
      // Another node serves the slot: that is another server, to be looked over like any other before it is used.
      maxCommandRedirections: 0,
      defaults: { ...credentials(this.#url), ...this.#settings() },
    });
    cluster.on('error', () => undefined);
    await cluster.connect();
    return {
      send: (key, call) => cluster.sendCommand<Reply>(key, false, call as string[]),
      destroy: () => cluster.destroy(),
    };
  }

  #settings() {
    return {
      RESP: 2,
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      // Its own would make a timer for each command; a round trip has one.
      commandOptions: { timeout: 0 },
      socket: { reconnectStrategy: false, connectTimeout: this.#timeoutMs },
    } as const;
  }

  /** Others may have made a new one already. */
  #drop(line: Promise<Line> | null): void {
    if (line !== null && this.#line === line) {
      this.#line = null;
      this.#breaks++;
    }
    void line?.then(
      (open) => open.destroy(),
      () => undefined,
    );
  }
}

/** A cluster's other nodes are told by address alone: user and password are those of the first. */
function credentials(url: string): { username?: string; password?: string } {
  const { username, password } = new URL(url);
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

/** An answer, too. */
function orErrorReply(error: unknown): ErrorReply {
  if (error instanceof ErrorReply) return error;
  throw error;
}
