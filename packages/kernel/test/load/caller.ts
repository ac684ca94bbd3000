import { setTimeout as pause } from 'node:timers/promises';

export interface Answered {
  readonly status: number;
  readonly body: unknown;
  /** Where the next page is; null: there is none. */
  readonly next: string | null;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The refusals that the caller reckons with, by their codes; every other one is complained of. */
  readonly mayBe?: readonly string[];
}

/** Whoever waits for an answer need not wait any more: the run is over. */
export class Abandoned extends Error {}

const PATIENCE_MS = 10_000;

/** Plain HTTP as other people write it: each request is repeated until the kernel has said something final. */
export class Caller {
  readonly problems: string[] = [];
  /** How many requests that would change something have been answered for good. */
  answered = 0;
  /** How many were refused because a rollback was under way. */
  refusedByRollback = 0;
  #abandoned = false;

  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  get socketUrl(): string {
    return this.#url.replace('http', 'ws');
  }

  get isAbandoned(): boolean {
    return this.#abandoned;
  }

  abandon(): void {
    this.#abandoned = true;
  }

  get(path: string, mayBe: readonly string[] = []): Promise<Answered> {
    return this.call(path, { mayBe });
  }

  post(path: string, body: unknown, mayBe: readonly string[] = []): Promise<Answered> {
    return this.call(path, { method: 'POST', body, mayBe });
  }

  async call(path: string, call: Call): Promise<Answered> {
    for (;;) {
      const answer = await this.once(path, call);
      if (answer) return answer;
      await pause(5);
    }
  }

  /** All pages of a listing. */
  async all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let at: string | null = path; at !== null; ) {
      const { body, next } = await this.get(at);
      items.push(...(body as T[]));
      at = next;
    }
    return items;
  }

  async text(path: string): Promise<string> {
    return (await fetch(`${this.#url}${path}`)).text();
  }

  /** Asks once, here or at another address. Null: nobody answered, or not to the end, or that it has to be asked again. */
  async once(
    path: string,
    { method = 'GET', body, headers, mayBe = [] }: Call,
    url = this.#url,
  ): Promise<Answered | null> {
    if (this.#abandoned) throw new Abandoned();
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      text = await response.text();
    } catch {
      return null;
    }
    const { status } = response;
    if (status >= 500 && text.includes('A rollback is under way')) this.refusedByRollback++;
    if (status >= 500 || status === 429) return null;
    if (method !== 'GET') this.answered++;
    const said = text === '' ? null : (JSON.parse(text) as unknown);
    if (!response.ok && !mayBe.includes((said as { code: string }).code))
      this.problems.push(`${method} ${path}: ${status} ${text}`);
    const next = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
    return { status, body: response.ok ? said : null, next };
  }
}
