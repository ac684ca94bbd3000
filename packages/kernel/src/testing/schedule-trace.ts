import type { LedgerEntry } from '../core/event.ts';
import type { Schedule } from '../core/schedule.ts';

interface Traced {
  paused: boolean;
  fired: number;
}

/** A schedule as it is stored, or as much of it as somebody sees from outside. */
export type SeenSchedule = Pick<Schedule, 'id' | 'paused' | 'fired'>;

interface Data {
  readonly schedule_id: string;
  readonly paused?: boolean;
  readonly due_at?: string;
  readonly task_id?: string;
}

/** What the ledger says of schedules: each due time comes to one task at most, whatever else happens. */
export class ScheduleTrace {
  readonly #complain: (text: string) => void;
  /** The newest due time of each that came to a task: it never goes back. */
  readonly #lastDue = new Map<string, number>();
  /** What they have handed in. */
  readonly tasks = new Set<string>();
  schedules = new Map<string, Traced>();

  constructor(complain: (text: string) => void) {
    this.#complain = complain;
  }

  follow({ type, data: text }: LedgerEntry): void {
    const data = JSON.parse(text) as Data;
    const { schedule_id: id } = data;
    const trace = this.schedules.get(id);
    if (type === 'schedule_created') {
      if (trace) this.#complain(`schedule ${id} was made twice`);
      this.schedules.set(id, { paused: false, fired: 0 });
    } else if (!trace) this.#complain(`${type} of ${id}, which is not there`);
    else if (type === 'schedule_deleted') this.schedules.delete(id);
    else if (type === 'schedule_updated') {
      if (trace.paused === data.paused) this.#complain(`schedule ${id} was paused or resumed twice`);
      trace.paused = data.paused!;
    } else this.#fire(id, trace, data);
  }

  #fire(id: string, trace: Traced, { due_at: due, task_id: task }: Data): void {
    const dueAt = Date.parse(due!);
    const last = this.#lastDue.get(id);
    if (trace.paused) this.#complain(`schedule ${id} fired while it was paused`);
    if (last !== undefined && dueAt <= last) this.#complain(`schedule ${id} fired for ${due} after it had for ${last}`);
    if (this.tasks.has(task!)) this.#complain(`two firings handed in ${task}`);
    this.#lastDue.set(id, dueAt);
    this.tasks.add(task!);
    trace.fired++;
  }

  /** One that comes back goes on from now; when the clock was set back in between, that may be before what it has fired for. */
  goBack(to: Map<string, Traced>): void {
    for (const id of to.keys()) if (!this.schedules.has(id)) this.#lastDue.delete(id);
    this.schedules = to;
  }

  /** Whether it comes to exactly what is stored. */
  compare(seen: readonly SeenSchedule[]): void {
    for (const { id, paused, fired } of seen) {
      const trace = this.schedules.get(id);
      if (trace?.paused !== paused || trace.fired !== fired)
        this.#complain(`invariant 10: schedule ${id} is ${paused} ${fired}, the ledger says ${JSON.stringify(trace)}`);
    }
    if (seen.length !== this.schedules.size)
      this.#complain(`invariant 10: ${seen.length} schedules, the ledger says ${this.schedules.size}`);
  }
}
