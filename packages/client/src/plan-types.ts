import type { TaskInput, TaskStatus } from './types.ts';

export type PlanStatus = 'running' | 'completed' | 'failed' | 'cancelled';

/** A task of a plan. Its payload may hold `{"$result": "key.path"}` for what stands there in an earlier one's result. */
export interface PlanTaskInput extends Omit<TaskInput, 'depends_on'> {
  /** What the others call it: 1 to 100 letters, digits, `_` and `-`. */
  key: string;
  /** Keys of tasks of the same plan that must complete first. */
  depends_on?: string[];
}

export interface PlanInput {
  /** What it is for, in words. */
  goal: string;
  tasks: readonly PlanTaskInput[];
  /** When a task ends without completing: `stop` (the default) calls off all that is left, `continue` what needs it. */
  on_failure?: 'stop' | 'continue';
  /** The parent of the tasks that name no other. */
  parent_id?: string | null;
  created_by?: string;
}

export interface Plan {
  id: string;
  goal: string;
  status: PlanStatus;
  on_failure: 'stop' | 'continue';
  /** The tasks' ids by their keys. */
  tasks: Record<string, string>;
  progress: { completed: number; total: number };
  /** How many of its tasks have ended, how; and how many have not. */
  counts: {
    completed: number;
    failed: number;
    timeout: number;
    cancelled: number;
    rejected: number;
    unfinished: number;
  };
  /** The first task that ended without completing. */
  failure: { task_id: string; status: TaskStatus } | null;
  created_by: string;
  parent_id: string | null;
  created_at: string;
  /** When it ended, however it did. */
  completed_at: string | null;
}

export interface PlanGraph extends Plan {
  nodes: {
    key: string;
    task_id: string;
    /** Null: retention has removed it. */
    status: TaskStatus | null;
    elapsed_seconds: number | null;
  }[];
  /** Keys: `to` waits for `from`. */
  edges: { from: string; to: string }[];
  /** The chain that takes longest. */
  critical_path: { keys: string[]; seconds: number | null };
  /** The same as a picture, for Mermaid. */
  mermaid: string;
}
