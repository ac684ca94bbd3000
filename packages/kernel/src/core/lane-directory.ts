import { groupOf } from './lane.ts';
import type { Lane } from './store.ts';

/**
 * The lanes of the queue that hold tasks, by their keys. It also says which of them are new since it was last asked, so
 * that nobody has to go over all of them to find out.
 */
export class LaneDirectory extends Map<string, Lane> {
  /** So many of them are groups'. */
  #ofGroups = 0;
  #revision = 0;
  /** Null: all of them. */
  #news: Lane[] | null = null;

  override set(key: string, lane: Lane): this {
    if (!this.has(key)) this.#welcome(lane);
    return super.set(key, lane);
  }

  override delete(key: string): boolean {
    const was = super.delete(key);
    if (was) this.#revision++;
    if (was && groupOf(key) !== null) this.#ofGroups--;
    return was;
  }

  get hasGroups(): boolean {
    return this.#ofGroups > 0;
  }

  /** Another one whenever there are other lanes. */
  get revision(): number {
    return this.#revision;
  }

  #welcome(lane: Lane): void {
    this.#revision++;
    if (groupOf(lane.key) !== null) this.#ofGroups++;
    if (!this.#news) return;
    this.#news.push(lane);
    // Nobody asks.
    if (this.#news.length > MOST_NEWS) this.#news = null;
  }

  /** Those that were added since this was last called; some may have gone again. */
  takeNews(): Iterable<Lane> {
    const news = this.#news ?? this.values();
    this.#news = [];
    return news;
  }
}

const MOST_NEWS = 10_000;
