import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import type { SeenSchedule } from '../../src/testing/schedule-trace.ts';
import type { Caller } from './caller.ts';
import type { Told } from './told.ts';

/** What schedules hand in. */
export const SCHEDULED = 'scheduled';
const MOST = 4;
const GONE = ['schedule_not_found'];

/** Has tasks handed in each second, whatever is killed meanwhile; pauses some schedules, and makes others in place of some. */
export class Scheduler {
  readonly #caller: Caller;
  readonly #told: Told;
  readonly #random: Random;
  isWorking = true;

  constructor(caller: Caller, told: Told, random: Random) {
    this.#caller = caller;
    this.#told = told;
    this.#random = random;
  }

  async work(): Promise<void> {
    while (this.isWorking) {
      const ids = await this.ids();
      if (ids.length < MOST) await this.#create();
      else if (this.#random.chance(0.2)) await this.#remove(this.#random.pick(ids));
      else if (this.#random.chance(0.3)) await this.#pause(this.#random.pick(ids), this.#random.chance(0.3));
      await pause(this.#random.between(20, 200));
    }
  }

  /** None fires any more. */
  async pauseAll(): Promise<void> {
    for (const id of await this.ids()) await this.#pause(id, true);
  }

  async removeAll(): Promise<void> {
    for (const id of await this.ids()) await this.#remove(id);
  }

  async all(): Promise<readonly SeenSchedule[]> {
    return this.#caller.all<SeenSchedule>('/schedules?limit=1000');
  }

  async ids(): Promise<readonly string[]> {
    return (await this.all()).map(({ id }) => id);
  }

  async #create(): Promise<void> {
    const when = this.#random.pick([{ every_seconds: 1 }, { cron: '* * * * * *' }, { cron: '* * * * * *' }]);
    const { body } = await this.#caller.post('/schedules', {
      ...{ name: 'load', ...when, timezone: this.#random.pick(['UTC', 'Asia/Kathmandu']) },
      ...{ overlap: this.#random.pick(['skip', 'queue']), catch_up: this.#random.pick(['none', 'one']) },
      task: { description: SCHEDULED, tags: [SCHEDULED] },
    });
    this.#told.schedules.add((body as { id: string }).id);
  }

  async #pause(id: string, paused: boolean): Promise<void> {
    await this.#caller.call(`/schedules/${id}`, { method: 'PATCH', body: { paused }, mayBe: GONE });
  }

  async #remove(id: string): Promise<void> {
    await this.#caller.call(`/schedules/${id}`, { method: 'DELETE', mayBe: GONE });
  }
}
