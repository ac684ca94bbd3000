import type { PendingReason, TaskInput, TaskStatus } from './types.ts';

/** What a task waits for: `capacity` is a free slot or a limit, `worker` somebody who can do it and asks for work. */
export type WaitingFor = PendingReason | 'capacity' | 'worker';

/** Why a task waits, or who got it and why. */
export interface Explanation {
  status: TaskStatus;
  /** All of it in a sentence. */
  summary: string;
  /** All that it waits for at once. */
  waiting_for: WaitingFor[];
  waits: Wait[];
  /** From 1, over all queued tasks; 10001: further back than 10,000. Null: it is not queued. */
  queue_position: number | null;
  /** `decided_at` is null where nothing was decided, but would be. */
  decision: { worker_id: string; score: number | null; decided_at: string | null } | null;
  /** The best first, at most 100: as of now for a task that waits, else as it was decided. */
  candidates: Candidate[];
  /** How many there are, named or not. */
  candidates_total: number;
}

/** One thing that a task waits for. */
export interface Wait {
  waiting_for: WaitingFor;
  /** What would end it, in words. */
  text: string;
  /** When it is over, one way or another. */
  until: string | null;
  vote_id?: string;
  not_voted?: string[];
  /** Those that have not completed, the first 20 of them. */
  dependencies?: { id: string; status: TaskStatus }[];
}

/** One worker as a task sees it. */
export interface Candidate {
  worker_id: string;
  name: string;
  /** It could be given the task right away, if it asked for work. */
  eligible: boolean;
  /** What is against it, in words. */
  reasons: string[];
  score: number | null;
  /** What the score is made of. */
  scores: Record<string, number>;
}

/** Exactly one of `cron` and `every_seconds` is given. */
export interface ScheduleInput {
  name: string;
  /** `minute hour day month weekday`, or six fields with the seconds first. */
  cron?: string | null;
  /** 1 to 31,536,000, exact to a thousandth; counted from when the schedule is made. */
  every_seconds?: number | null;
  /** An IANA name, in which `cron` is read. UTC unless given. */
  timezone?: string;
  /** What is handed in each time: without `run_at`, `depends_on` and `parent_id`. */
  task: TaskInput;
  /** While the task of the last firing has not ended: `skip` this one (unless given), or `queue` another. */
  overlap?: 'skip' | 'queue';
  /** Of what was due while no kernel ran: `none` (unless given), or `one` for the newest. */
  catch_up?: 'none' | 'one';
}

export interface Schedule extends Required<ScheduleInput> {
  id: string;
  paused: boolean;
  /** Null: it is paused, or there is no such time any more. */
  next_run_at: string | null;
  /** The newest due time, whether a task came of it or not. */
  last_due_at: string | null;
  last_task_id: string | null;
  /** How many due times came to a task, and how many did not. */
  fired: number;
  skipped: number;
  last_skipped: { due_at: string; reason: 'overlap' | 'missed' | 'rate_limited' } | null;
  created_by: string;
  created_at: string;
}
