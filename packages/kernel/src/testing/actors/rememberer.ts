import { Refusal } from '../../core/errors.ts';
import {
  type MemoryCondition,
  type MemoryInput,
  type MemoryReplies,
  type PutEntry,
  vectorText,
} from '../../core/memory.ts';
import { Random } from '../random.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';

const SCOPES = ['a', 'b'];
const KEYS = ['k1', 'k2', 'k3', 'k4'];

/** Puts, replaces and deletes what is remembered, on conditions or without, for a while or for good. */
export class Rememberer implements Actor {
  readonly #world: World;
  readonly #random: Random;
  #healing = false;
  /** What was acknowledged: see `MemoryTrace.written`. */
  readonly told: string[] = [];

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = new Random(seed);
  }

  act(): void {
    if (this.#healing || this.#random.chance(0.5)) return;
    if (this.#random.chance(0.75)) void this.#put();
    else void this.#delete();
  }

  disconnected(): void {}

  heal(): void {
    this.#healing = true;
  }

  done(): boolean {
    return true;
  }

  async #put(): Promise<void> {
    const random = this.#random;
    const items = Array.from({ length: random.pick([1, 1, 1, 3]) }, (): MemoryInput => {
      const value = String(random.between(0, 1_000_000));
      const vector = random.chance(0.3) ? vectorText([random.between(1, 9), random.between(1, 9)]) : null;
      const said = { value, metadata: { n: Number(value) % 3 }, text: random.chance(0.5) ? `number ${value}` : null };
      const ttlMs = random.chance(0.3) ? random.between(500, 20_000) : null;
      return { key: random.pick(KEYS), ...said, vector, hash: `hash of ${value}`, ttlMs, path: '' };
    });
    const scope = random.pick(SCOPES);
    const condition = this.#condition();
    const answer = await ask(this.#world, { kind: 'put_memory', actor: 'rememberer', scope, items, condition });
    if (answer === null || answer instanceof Refusal) return;
    const { entries } = answer as MemoryReplies['put_memory'];
    this.told.push(...entries.map(({ entry: { key, version } }) => `${scope}/${key} ${version}`));
    if (!held(condition, entries[0]!))
      this.#world.complaints.push(`a put was carried out though ${JSON.stringify(condition)} did not hold`);
  }

  async #delete(): Promise<void> {
    const [scope, key] = [this.#random.pick(SCOPES), this.#random.pick(KEYS)];
    const condition = { match: null, absent: false };
    await ask(this.#world, { kind: 'delete_memory', actor: 'rememberer', scope, key, condition });
  }

  #condition(): MemoryCondition {
    const random = this.#random;
    if (random.chance(0.2)) return { match: null, absent: true };
    return { match: random.pick([null, null, null, '*', random.between(1, 30)]), absent: false };
  }
}

/** Whether what was put says that this was so before. */
function held({ match, absent }: MemoryCondition, { entry, isNew }: PutEntry): boolean {
  if (match === null) return !absent || isNew;
  return !isNew && (match === '*' || entry.version === match + 1);
}
