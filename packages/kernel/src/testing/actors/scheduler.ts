import type { ScheduleInput } from '../../core/schedule.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';

/** Whose tasks are handed in by the clock. */
export const SCHEDULER = 'scheduler';
const MOST = 4;

/** Makes schedules, pauses and deletes them; in the end it wants none any more, so that there is an end. */
export class Scheduler implements Actor {
  readonly #world: World;
  #healing = false;
  #isDeleting = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random } = this.#world;
    if (this.#healing) void this.#deleteAll();
    else if (random.chance(0.06)) void this.#create();
    else if (random.chance(0.05)) void this.#withAny('pause');
    else if (random.chance(0.03)) void this.#withAny('delete');
  }

  disconnected(): void {
    this.#isDeleting = false;
  }

  heal(): void {
    this.#healing = true;
  }

  async done(): Promise<boolean> {
    return (await this.#all()).length === 0;
  }

  async #create(): Promise<void> {
    const { random, clock, dice, fairness } = this.#world;
    if ((await this.#all()).length >= MOST) return;
    const id = random.id(clock.now().steady);
    const input: ScheduleInput = {
      ...{ name: `schedule ${id}`, timezone: random.pick(['UTC', 'Europe/Berlin']) },
      ...random.pick([
        { cron: null, everyMs: random.between(1000, 5000) },
        { cron: '*/3 * * * * *', everyMs: null },
        { cron: '* * * * *', everyMs: null },
      ]),
      ...{ overlap: random.pick(['skip', 'queue']), catchUp: random.pick(['none', 'one']) },
      task: {
        ...{ description: `of schedule ${id}`, timeout_seconds: 5, delay_seconds: random.pick([0, 2]) },
        group: dice.pick(fairness.groups),
      },
    };
    await ask(this.#world, { kind: 'create_schedule', actor: SCHEDULER, id, ...input });
  }

  async #withAny(act: 'pause' | 'delete'): Promise<void> {
    const { random } = this.#world;
    const all = await this.#all();
    if (all.length === 0) return;
    const scheduleId = random.pick(all);
    if (act === 'delete') await ask(this.#world, { kind: 'delete_schedule', actor: SCHEDULER, scheduleId });
    else await ask(this.#world, { kind: 'pause_schedule', actor: SCHEDULER, scheduleId, paused: random.chance(0.5) });
  }

  async #deleteAll(): Promise<void> {
    if (this.#isDeleting) return;
    this.#isDeleting = true;
    for (const scheduleId of await this.#all()) {
      await ask(this.#world, { kind: 'delete_schedule', actor: SCHEDULER, scheduleId });
    }
    this.#isDeleting = false;
  }

  /** None, as long as the store cannot say. */
  async #all(): Promise<readonly string[]> {
    try {
      const { items } = await this.#world.store.documents({ collection: 'schedule', limit: 100 });
      return items.map(({ id }) => id);
    } catch {
      return [];
    }
  }
}
