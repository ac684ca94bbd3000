import type { Writable } from 'node:stream';
import type { BeeSlot } from './bee-slot.ts';
import type { Tracker } from './tracker.ts';

/** What there is to see of a run at one moment. */
export interface Snapshot {
  readonly seconds: number;
  readonly phase: string;
  readonly submitted: number;
  readonly queued: number;
  readonly executing: number;
  readonly completed: number;
  readonly failed: number;
  readonly eventsPerSecond: number;
  readonly bees: readonly BeeLine[];
}

export type BeeLine = Pick<BeeSlot, 'state' | 'current' | 'last' | 'done' | 'kills' | 'crashes'> & {
  readonly name: string;
};

const REDRAW_MS = 150;
const LINE_EVERY_MS = 2_000;

export function summaryLine(now: Snapshot): string {
  return `${clock(now)}  ${counters(now)}  ${now.eventsPerSecond.toFixed(0)} events/s`;
}

function clock({ seconds, phase }: Snapshot): string {
  return `${seconds.toFixed(0).padStart(4)} s  ${phase}`;
}

function counters(now: Snapshot): string {
  const { submitted, queued, executing, completed, failed } = now;
  return Object.entries({ submitted, queued, executing, completed, failed })
    .map(([name, count]) => `${name} ${count}`)
    .join('  ');
}

/** The block that is drawn again and again, no line wider than the terminal: a wrapped line could not be overdrawn. */
export function block(now: Snapshot, columns: number): string[] {
  const width = Math.max(0, ...now.bees.map(({ name }) => name.length));
  const bees = now.bees.map((bee) => {
    const deaths = [bee.kills > 0 && `${bee.kills} killed`, bee.crashes > 0 && `${bee.crashes} crashed`].filter(
      Boolean,
    );
    const counts = [`${bee.done} done`, ...deaths].join(', ');
    return `  ${bee.name.padEnd(width)}  ${counts.padEnd(24)}  ${bee.state === 'ready' ? (bee.current[0] ?? bee.last) : bee.state}`;
  });
  const head = [`${clock(now)}  ${now.eventsPerSecond.toFixed(0)} events/s`, `  ${counters(now)}`];
  return [...head, ...bees].map((line) => line.slice(0, columns - 1));
}

interface Watched {
  readonly tracker: Tracker;
  readonly bees: readonly BeeSlot[];
}

/** The progress of a run: one block that is redrawn on a terminal, a line every now and then elsewhere. */
export class View {
  phase = 'starting';
  readonly #out: Writable & { isTTY?: boolean; columns?: number };
  readonly #start = performance.now();
  #watched: Watched | undefined;
  #timer: NodeJS.Timeout | undefined;
  #drawn = 0;
  #eventsBefore: readonly (readonly [at: number, events: number])[] = [];

  constructor(out: Writable & { isTTY?: boolean; columns?: number }) {
    this.#out = out;
  }

  watch(watched: Watched): void {
    this.#watched = watched;
    this.#timer = setInterval(() => this.#draw(), this.#out.isTTY ? REDRAW_MS : LINE_EVERY_MS);
  }

  /** Something worth keeping: it stays above the block. */
  say(line: string): void {
    this.#out.write(`${this.#erased()}${line}\n`);
    if (this.#out.isTTY) this.#draw();
  }

  /** Shows how it stands for the last time. */
  close(): void {
    clearInterval(this.#timer);
    if (this.#watched) this.#draw();
    this.#watched = undefined;
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.#watched) return;
    const now = this.#snapshot(this.#watched);
    if (!this.#out.isTTY) {
      this.#out.write(`${summaryLine(now)}\n`);
      return;
    }
    const lines = block(now, this.#out.columns || 80);
    this.#out.write(`${this.#erased()}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  /** Moves to the block's first line and clears from there on. */
  #erased(): string {
    const sequence = this.#drawn > 0 ? `\x1b[${this.#drawn}A\x1b[J` : '';
    this.#drawn = 0;
    return sequence;
  }

  #snapshot({ tracker, bees }: Watched): Snapshot {
    return {
      seconds: (performance.now() - this.#start) / 1000,
      phase: this.phase,
      submitted: tracker.tasks.size,
      queued: tracker.count('submitted', 'waiting', 'queued'),
      executing: tracker.count('executing'),
      completed: tracker.count('completed'),
      failed: tracker.count('failed'),
      eventsPerSecond: this.#eventsPerSecond(tracker.events),
      bees: bees.map((slot) => ({
        name: slot.order.name,
        state: slot.state,
        current: slot.current,
        last: slot.last,
        done: slot.done,
        kills: slot.kills,
        crashes: slot.crashes,
      })),
    };
  }

  /** Over the last second, or since the last look if that is longer ago. */
  #eventsPerSecond(events: number): number {
    const at = performance.now();
    const recent = this.#eventsBefore.filter(([then]) => at - then <= 1_000);
    const [then, before] = recent[0] ?? this.#eventsBefore.at(-1) ?? [this.#start, 0];
    this.#eventsBefore = [...recent, [at, events]];
    return at > then ? ((events - before) * 1000) / (at - then) : 0;
  }
}
