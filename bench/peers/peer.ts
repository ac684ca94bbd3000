/** What is measured, seen from the harness: something that keeps tasks, hands them out, and survives. */
export interface Peer {
  readonly name: string;
  /** Whose client its submitter and worker use; see `clientOf`. */
  readonly client: ClientName;
  /** Null when it can be measured here; otherwise the reason why not. */
  unavailable(): string | null | Promise<string | null>;
  /** Starts the server with nothing stored, in a folder of its own. */
  serve(): Promise<Server>;
}

export interface Server {
  /** What its clients need in order to find it. */
  readonly address: string;
  stop(): Promise<void>;
}

/** A task as the workloads hand it in: about 200 bytes of JSON. */
export interface TaskData {
  readonly n: number;
  /** When it was handed in, in milliseconds since 1970 with a fraction. */
  readonly at: number;
  readonly text: string;
}

/** A peer's client, in the process of the submitter or of the worker. */
export interface PeerClient {
  submitter(address: string): Promise<Submitter>;
  /** Runs `count` tasks that do nothing, `slots` at a time. */
  worker(address: string, slots: number, count: number, watch: Watch): Promise<WorkerHandle>;
}

export interface Submitter {
  /** Resolves once the peer has acknowledged it. */
  submit(data: TaskData): Promise<void>;
  /** The same for many, by the peer's own call for that. */
  submitMany(data: readonly TaskData[]): Promise<void>;
}

/** What the worker's side reports. */
export interface Watch {
  /** A task has reached its handler. */
  started(data: TaskData): void;
  /** The peer has acknowledged that all of them are done. */
  finished(): void;
}

export interface WorkerHandle {
  /** From now on it takes tasks. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const TEXT = 'The quick brown fox jumps over the lazy dog while the colony sleeps. '.repeat(3).slice(0, 152);

export function taskData(n: number, at = 0): TaskData {
  return { n, at, text: TEXT };
}

export type ClientName = 'colony' | 'bullmq';

/** Loads the client that a process was told to use, and nothing of the others. */
export async function clientOf(peer: string): Promise<PeerClient> {
  if (peer === 'colony') return (await import('./colony-client.ts')).client;
  if (peer === 'bullmq') return (await import('./bullmq-client.ts')).client;
  throw new Error(`there is no client called ${peer}`);
}
