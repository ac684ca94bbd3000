import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import type { Caller } from './caller.ts';
import type { Told } from './told.ts';

/** Where it remembers. */
export const REMEMBERED = 'load';

const KEYS = 7;

export interface WireEntry {
  readonly scope: string;
  readonly key: string;
  readonly version: number;
}

/** Puts things into memory, replaces, deletes and looks for them, on conditions or without, whatever is killed meanwhile. */
export class Rememberer {
  readonly #caller: Caller;
  readonly #told: Told;
  readonly #random: Random;
  isWorking = true;
  /** No two put the same: what says the same as before keeps its version when the colony goes back. */
  #made = 0;

  constructor(caller: Caller, told: Told, random: Random) {
    this.#caller = caller;
    this.#told = told;
    this.#random = random;
  }

  /** Several at a time, so that two kernels meet at one key. */
  async work(): Promise<void> {
    await Promise.all(Array.from({ length: 3 }, () => this.#workAlone()));
  }

  async #workAlone(): Promise<void> {
    while (this.isWorking) {
      const n = this.#made++;
      const random = this.#random;
      const key = `k${random.between(0, KEYS - 1)}`;
      if (random.chance(0.2)) await this.#call(`/memory/${REMEMBERED}/${key}`, 'DELETE');
      else if (random.chance(0.25)) await this.#putMany(n);
      else if (random.chance(0.15)) await this.#call(`/memory/${REMEMBERED}/search`, 'POST', { text: `thing ${n}` });
      else {
        const conditions = [{}, {}, { 'if-none-match': '*' }, { 'if-match': '*' }];
        const body = {
          value: n,
          text: `thing ${n}`,
          metadata: { n: n % 3 },
          ...(random.chance(0.3) && { vector: [n + 1, 1] }),
        };
        const put = await this.#call(`/memory/${REMEMBERED}/${key}`, 'PUT', body, random.pick(conditions));
        if (put) this.#note(put as WireEntry);
      }
      await pause(random.between(1, 30));
    }
  }

  /** All that is there. */
  async all(): Promise<WireEntry[]> {
    const { body } = await this.#caller.get(`/memory/${REMEMBERED}?limit=1000`);
    return (body as { items: WireEntry[] }).items;
  }

  async #putMany(n: number): Promise<void> {
    const items = Array.from({ length: 5 }, (_, at) => ({ key: `k${(n + at) % KEYS}`, value: [n, at] }));
    const put = await this.#call(`/memory/${REMEMBERED}/batch`, 'POST', { items });
    for (const one of (put as { items: WireEntry[] } | null)?.items ?? []) this.#note(one);
  }

  #note({ key, version }: Pick<WireEntry, 'key' | 'version'>): void {
    this.#told.remembered.add(`${REMEMBERED}/${key} ${version}`);
  }

  async #call(path: string, method: 'PUT' | 'POST' | 'DELETE', body?: unknown, headers = {}): Promise<unknown> {
    const mayBe = ['version_mismatch', 'memory_key_not_found'];
    return (await this.#caller.call(path, { method, ...(body !== undefined && { body }), headers, mayBe })).body;
  }
}
