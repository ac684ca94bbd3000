import { Type } from 'typebox';
import { VOTE_STATUSES } from '../../core/vote.ts';
import { Nullable, Text, Time } from './common.ts';

const MOST_PARTICIPANTS = 100;

const Participant = Text(1, 200);

export const VoteInput = Type.Object({
  decision: Text(1, 10_000, 'What is to be decided, in words'),
  participants: Type.Optional(
    Type.Array(Participant, {
      minItems: 1,
      maxItems: MOST_PARTICIPANTS,
      uniqueItems: true,
      description: 'Who may vote, each once: people or workers. GUARDIAN_PARTICIPANTS unless given',
    }),
  ),
  threshold: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      description: 'The share that must approve. GUARDIAN_CONSENSUS_THRESHOLD unless given',
    }),
  ),
  expires_in_seconds: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      maximum: 31_536_000,
      description: 'How long it is open. GUARDIAN_VOTE_EXPIRES_SECONDS unless given',
    }),
  ),
});

export const BallotInput = Type.Object({
  participant: Participant,
  approve: Type.Boolean(),
  reason: Type.Optional(Nullable(Text(0, 2000))),
});

export const VoteListQuery = Type.Object({
  status: Type.Optional(Type.Enum([...VOTE_STATUSES])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ description: 'From the Link header of the page before' })),
});

export const VoteSchema = Type.Object({
  id: Type.String(),
  status: Type.Enum([...VOTE_STATUSES]),
  decision: Type.String(),
  content_hash: Type.String({
    description: 'SHA-256 of what is decided: of the task’s specification, or of the words',
  }),
  participants: Type.Array(Type.String()),
  threshold: Type.Number(),
  ballots: Type.Array(
    Type.Object({
      participant: Type.String(),
      approve: Type.Boolean(),
      reason: Nullable(Type.String()),
      at: Time,
    }),
  ),
  opened_at: Time,
  closes_at: Time,
  closed_at: Nullable(Time),
  task_id: Nullable(Type.String()),
});
