import { Type } from 'typebox';
import type { Json } from '../../core/json.ts';
import { AnyObject, Nullable, Text, Time } from './common.ts';

/** The longest that these may be, in characters; keys and scopes are looked at by hand, since they stand in the path. */
export const MAX_KEY = 512;
const MAX_TEXT = 100_000;
const MAX_QUERY = 10_000;
const MAX_DIMENSION = 4096;
const MAX_TTL_SECONDS = 3_153_600_000;
export const MAX_BATCH = 1000;

const Value = Type.Unsafe<Json>({ description: 'Any JSON value' });

const FIELDS = {
  value: Value,
  ttl_seconds: Type.Optional(
    Nullable(
      Type.Number({ exclusiveMinimum: 0, maximum: MAX_TTL_SECONDS }),
      'It is gone after so long; fractions are allowed. Default: it stays',
    ),
  ),
  vector: Type.Optional(
    Nullable(
      Type.Array(Type.Number(), { minItems: 1, maxItems: MAX_DIMENSION }),
      'What it is found by; as long as the first one in its scope',
    ),
  ),
  text: Type.Optional(Nullable(Text(0, MAX_TEXT), 'What it is found by in words')),
  metadata: Type.Optional(AnyObject('What searches can be narrowed by')),
};

export const MemoryPut = Type.Object(FIELDS, {
  examples: [{ value: { owner: 'agent-7', done: [1, 2] }, ttl_seconds: 3600, metadata: { kind: 'progress' } }],
});

export const MemoryBatch = Type.Object({
  items: Type.Array(Type.Object({ key: Type.String(), ...FIELDS }), { minItems: 1, maxItems: MAX_BATCH }),
});

/** `text` or `vector`, or both. */
export const MemoryQuestionInput = Type.Object(
  {
    text: Type.Optional(Text(1, MAX_QUERY, 'In words')),
    vector: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 1,
        maxItems: MAX_DIMENSION,
        description: 'Compared with vectors that were put',
      }),
    ),
    top_k: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 10' })),
    filter: Type.Optional(AnyObject('All of these are in the metadata')),
    mode: Type.Optional(Type.Enum(['hybrid', 'vector', 'text'], { description: 'Default hybrid' })),
  },
  { examples: [{ text: 'reimbursement', filter: { kind: 'faq' }, top_k: 3 }] },
);

const Score = Nullable(Type.Number(), 'null: it was not found by that');
export const MatchesSchema = Type.Object({
  matches: Type.Array(
    Type.Object({
      key: Type.String(),
      value: Value,
      version: Type.Integer(),
      metadata: AnyObject('What searches can be narrowed by'),
      score: Type.Number({ description: 'Grows with nearness; of one answer, comparable' }),
      scores: Type.Object({ vector: Score, text: Score }),
    }),
  ),
  omitted: Type.Integer({ description: 'So many more were found; with them the answer would be longer than 8 MiB' }),
  embedder: Nullable(Type.String(), 'The model that said what the text means; null: none was asked'),
  incomplete: Type.Integer({ description: 'Of so many texts in the scope it is not known yet what they mean' }),
  problem: Nullable(Type.String(), 'Why nothing could be found by meaning'),
});

export const MemoryParams = Type.Object({ scope: Type.String(), key: Type.String() });
export const ScopeParams = Type.Object({ scope: Type.String() });

export const MemoryListQuery = Type.Object({
  prefix: Type.Optional(Type.String({ description: 'Only what begins with this' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100; a page may end before that' }),
  ),
  cursor: Type.Optional(Type.String({ description: 'The next_cursor of the page before' })),
});

export const MemoryEntrySchema = Type.Object({
  scope: Type.String(),
  key: Type.String(),
  value: Value,
  version: Type.Integer({ description: 'Grows with every put, and none is used again for a key' }),
  metadata: AnyObject('What searches can be narrowed by'),
  text: Nullable(Type.String()),
  created_at: Time,
  updated_at: Time,
  expires_at: Nullable(Time),
});

export const MemoryListSchema = Type.Object({
  items: Type.Array(MemoryEntrySchema),
  next_cursor: Nullable(Type.String()),
});

export const ScopesSchema = Type.Object({
  scopes: Type.Array(
    Type.Object({
      scope: Type.String(),
      keys: Type.Integer(),
      vectors: Type.Integer({ description: 'How many of them have a vector' }),
      dimension: Nullable(Type.Integer(), 'How long these are'),
      created_at: Time,
    }),
  ),
  next_cursor: Nullable(Type.String()),
});

export const BatchSchema = Type.Object({
  items: Type.Array(Type.Object({ key: Type.String(), version: Type.Integer() })),
});
