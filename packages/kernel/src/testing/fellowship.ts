import type { Clock } from '../core/clock.ts';
import type { Beat, Fellows } from '../core/fellows.ts';

const ALONE: Beat = { isSteward: true, silent: [], last: 0, lostUpTo: null, restarted: false };

/** Fellows that answer a beat as a test wants them to, as fast as it wants them to. */
export class Fellowship implements Fellows {
  /** Whom each beat told of. */
  readonly beats: (readonly string[])[] = [];
  answer: Partial<Beat> = {};
  takesMs = 0;
  fault: Error | null = null;
  underWay = 0;
  mostAtOnce = 0;
  left = false;
  readonly #clock: Clock;
  #marks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  newMark(): string {
    return `mark ${++this.#marks}`;
  }

  async beat(heard: readonly string[]): Promise<Beat> {
    this.beats.push(heard);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay);
    await new Promise<void>((resolve) => this.#clock.timer(this.takesMs, resolve));
    this.underWay--;
    if (this.fault) throw this.fault;
    return { ...ALONE, ...this.answer };
  }

  async lastSeen(): Promise<ReadonlyMap<string, number>> {
    return new Map();
  }

  async leave(): Promise<void> {
    this.left = true;
  }
}
