import { setTimeout as pause } from 'node:timers/promises';
import { checkLeases } from './lease-check.ts';

interface Wire {
  id: string;
  status: string;
  result: unknown;
  lease: { token: number };
}

/**
 * Clients as other people write them: plain HTTP and WebSocket, every request repeated until it is answered, and a
 * record of all that was acknowledged.
 */
export class Loader {
  readonly #url: string;
  readonly #acknowledged = new Map<string, string>();
  readonly #completed = new Map<string, unknown>();
  readonly #seen: number[] = [];
  readonly #problems: string[] = [];
  readonly #jobs: Promise<void>[] = [];
  #socket: WebSocket | null = null;
  #submitting = true;
  #working = true;
  #events = 0;
  #abandoned = false;

  constructor(url: string) {
    this.#url = url;
  }

  start({ submitters, workers }: { submitters: number; workers: number }): void {
    for (let n = 0; n < submitters; n++) this.#jobs.push(this.#submit(n));
    for (let n = 0; n < workers; n++) this.#jobs.push(this.#work(n));
    this.#watch();
  }

  /** Resolves once `count` more requests have been acknowledged. */
  async progress(count: number): Promise<void> {
    const target = this.#events + count;
    while (this.#events < target) await pause(1);
  }

  /** No new tasks; waits until the last one is done. */
  async finish(): Promise<void> {
    this.#submitting = false;
    while (await this.#anyUnfinished()) await pause(20);
    this.#working = false;
    await Promise.all(this.#jobs);
    const { entries } = (await this.#get('/system/audit?limit=1')) as { entries: { id: number }[] };
    while ((this.#seen.at(-1) ?? 0) < entries[0]!.id) await pause(10);
  }

  async abandon(): Promise<void> {
    this.#abandoned = true;
    this.#submitting = false;
    this.#working = false;
    this.#socket?.close();
  }

  totals() {
    return { submitted: this.#acknowledged.size, completed: this.#completed.size, entries: this.#seen.length };
  }

  /** Compares what was acknowledged with what is there. */
  async check(): Promise<string[]> {
    const problems = this.#problems;
    for (const [key, id] of this.#acknowledged) {
      const response = await fetch(`${this.#url}/tasks/${id}`);
      if (!response.ok) problems.push(`task ${id} was acknowledged and is gone`);
      const task = (await response.json()) as Wire;
      if (task.status !== 'completed') problems.push(`task ${id} is ${task.status}`);
      const result = this.#completed.get(id);
      if (result !== undefined && JSON.stringify(task.result) !== JSON.stringify(result)) {
        problems.push(`the acknowledged completion of ${id} is lost`);
      }
      const again = (await this.#post('/tasks', { description: key }, { 'idempotency-key': key })) as Wire;
      if (again.id !== id) problems.push(`key ${key} gave ${id} and then ${again.id}`);
    }
    const at = this.#seen.findIndex((id, index) => id !== index + 1);
    if (at >= 0) problems.push(`the stream gave ${this.#seen[at]} where ${at + 1} was due`);
    // What is seen from here on may come behind what is verified: workers that have gone are missed only now.
    const seen = this.#seen.length;
    const { valid, entries } = (await this.#get('/system/audit/verify')) as { valid: boolean; entries: number };
    if (!valid) problems.push('the ledger does not verify');
    if (entries < seen) problems.push(`${seen} events were seen, the ledger has ${entries}`);
    const ledger = await fetch(`${this.#url}/system/audit/export`);
    problems.push(...checkLeases(await ledger.text()));
    const { total_tasks } = ((await this.#get('/system/stats')) as { kernel: { total_tasks: number } }).kernel;
    if (total_tasks !== this.#acknowledged.size)
      problems.push(`${total_tasks} tasks, ${this.#acknowledged.size} submitted`);
    return problems;
  }

  async #submit(number: number): Promise<void> {
    for (let n = 0; this.#submitting; n++) {
      const key = `key-${number}-${n}`;
      const task = (await this.#post('/tasks', { description: key }, { 'idempotency-key': key })) as Wire;
      if (this.#abandoned) return;
      this.#acknowledged.set(key, task.id);
      this.#events++;
    }
  }

  async #work(number: number): Promise<void> {
    const worker = (await this.#post('/workers', {
      name: `w${number}`,
      capabilities: [],
      max_concurrent_tasks: 8,
    })) as Wire;
    while (this.#working) {
      // Says first that it holds nothing: an answer to a claim that got lost in a crash goes back to the queue.
      await this.#post(`/workers/${worker.id}/heartbeat`, { tasks: [] });
      const { tasks } = (await this.#post(`/workers/${worker.id}/claim`, { max_tasks: 8, wait_seconds: 1 })) as {
        tasks: Wire[];
      };
      for (const task of tasks ?? []) {
        const result = { by: number, token: task.lease.token };
        const answer = (await this.#post(`/tasks/${task.id}/complete`, {
          lease_token: task.lease.token,
          result,
        })) as Wire;
        if (answer.status === 'completed') this.#completed.set(task.id, result);
        this.#events++;
      }
    }
  }

  #watch(): void {
    if (this.#abandoned) return;
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/ws/events?since=${this.#seen.at(-1) ?? 0}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data as string) as { id?: number };
      if (event.id !== undefined) this.#seen.push(event.id);
    };
    socket.onerror = () => undefined;
    socket.onclose = () => setTimeout(() => this.#watch(), 10);
  }

  async #anyUnfinished(): Promise<boolean> {
    const { tasks } = (await this.#get('/system/stats')) as { tasks: Record<string, number> };
    return tasks.queued! + tasks.executing! + tasks.pending! > 0;
  }

  #get(path: string): Promise<unknown> {
    return this.#untilAnswered(path, {});
  }

  #post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<unknown> {
    return this.#untilAnswered(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  /** Repeats a request until the kernel has said something final. A 409 is: the lease had gone to somebody else. */
  async #untilAnswered(path: string, request: RequestInit): Promise<unknown> {
    while (!this.#abandoned) {
      try {
        const response = await fetch(`${this.#url}${path}`, { ...request, signal: AbortSignal.timeout(10_000) });
        const text = await response.text();
        if (response.status < 500 && response.status !== 429) {
          if (!response.ok && response.status !== 409) this.#problems.push(`${path}: ${response.status} ${text}`);
          return text === '' ? null : JSON.parse(text);
        }
      } catch {
        // Nobody answered, or not to the end: ask again.
      }
      await pause(5);
    }
    return {};
  }
}
