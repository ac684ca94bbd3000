import { Type } from 'typebox';
import { TASK_STATUSES, type TaskStatus } from '../../core/task.ts';
import { Nullable, Time } from './common.ts';

const Status = Type.Unsafe<TaskStatus>({ type: 'string', enum: [...TASK_STATUSES] });
const WaitingFor = Type.Enum(['approval', 'dependencies', 'scheduled', 'retry', 'capacity', 'worker']);
const Score = Nullable(
  Type.Number(),
  'The mean of its terms, weighted, and what waiting adds; null: it cannot do the task',
);

const Wait = Type.Object({
  waiting_for: WaitingFor,
  text: Type.String({ description: 'What would end it, in words; goes on after "waits"' }),
  until: Nullable(Time, 'When it is over, one way or another'),
  vote_id: Type.Optional(Type.String()),
  not_voted: Type.Optional(Type.Array(Type.String())),
  dependencies: Type.Optional(
    Type.Array(Type.Object({ id: Type.String(), status: Status }), {
      description: 'Those that have not completed, the first 20 of them',
    }),
  ),
});

const Candidate = Type.Object({
  worker_id: Type.String(),
  name: Type.String(),
  eligible: Type.Boolean({ description: 'It could be given the task right away, if it asked for work' }),
  reasons: Type.Array(Type.String(), { description: 'What is against it' }),
  score: Score,
  scores: Type.Record(Type.String(), Type.Number(), { description: 'What the score is made of' }),
});

export const ExplanationSchema = Type.Object({
  status: Status,
  summary: Type.String({ description: 'All of it in a sentence' }),
  waiting_for: Type.Array(WaitingFor, { description: 'All that it waits for at once' }),
  waits: Type.Array(Wait),
  queue_position: Nullable(
    Type.Integer(),
    'From 1, over all queued tasks in the order of priority and submission; 10001: further back than 10,000',
  ),
  decision: Nullable(
    Type.Object({
      worker_id: Type.String(),
      score: Score,
      decided_at: Nullable(Time, 'Null: nothing was decided, this is how it would be'),
    }),
  ),
  candidates: Type.Array(Candidate, { description: 'The best first, at most 100' }),
  candidates_total: Type.Integer({ description: 'How many there are, named or not' }),
});
