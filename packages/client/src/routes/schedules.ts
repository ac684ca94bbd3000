import type { CallOptions } from '../client-options.ts';
import type { Schedule, ScheduleInput } from '../mind-types.ts';
import { get, post, remove, segment } from './calls.ts';
import { GuardianRoutes } from './guardian.ts';

/** Tasks that are handed in by the clock. */
export abstract class ScheduleRoutes extends GuardianRoutes {
  /** @throws ColonyError 422 with what is wrong and where: with `cron`, `every_seconds`, `timezone` or the `task` */
  createSchedule(schedule: ScheduleInput, options: CallOptions = {}): Promise<Schedule> {
    return this.requester.json(post('/schedules', schedule, 'unsent', options.signal));
  }

  /** Newest first. */
  listSchedules(query: { limit?: number } = {}, options: CallOptions = {}): Promise<Schedule[]> {
    return this.requester.json({ ...get('/schedules', options.signal), query: { ...query } });
  }

  getSchedule(id: string, options: CallOptions = {}): Promise<Schedule> {
    return this.requester.json(get(`/schedules/${segment(id)}`, options.signal));
  }

  /** Nothing comes of it until it is resumed; what is due meanwhile is not caught up with. */
  pauseSchedule(id: string, options: CallOptions = {}): Promise<Schedule> {
    return this.#setPaused(id, true, options);
  }

  /** It goes on with the next due time. */
  resumeSchedule(id: string, options: CallOptions = {}): Promise<Schedule> {
    return this.#setPaused(id, false, options);
  }

  /** What it has handed in stays. */
  async deleteSchedule(id: string, options: CallOptions = {}): Promise<void> {
    await this.requester.send(remove(`/schedules/${segment(id)}`, options.signal));
  }

  #setPaused(id: string, paused: boolean, { signal }: CallOptions): Promise<Schedule> {
    const call = { path: `/schedules/${segment(id)}`, body: JSON.stringify({ paused }) };
    return this.requester.json({ ...call, method: 'PATCH', repeat: 'safe', signal });
  }
}
