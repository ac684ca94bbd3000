import { Type } from 'typebox';
import type { JsonObject } from '../../core/json.ts';
import { ONE_LINE, OPTIONAL_BODY } from '../validate.ts';

/**
 * Text that is compared, indexed or put into headers: no NUL and no half of a surrogate pair, which neither SQLite
 * nor UTF-8 can hold. Text that is only kept (descriptions, payloads) may contain them: it stays escaped JSON.
 */
const CLEAN = '^[^\\u0000\\ud800-\\udfff]*$';

export const Text = (min: number, max: number, description?: string) =>
  Type.String({ minLength: min, maxLength: max, pattern: CLEAN, ...(description ? { description } : {}) });

/** A name that is put into keys and logs as it is, or none. What it may not contain is what `validate.ts` says of it. */
export const OptionalName = (min: number, max: number, description: string) =>
  Type.Unsafe<string | null>({
    type: ['string', 'null'],
    minLength: min,
    maxLength: max,
    pattern: ONE_LINE,
    description,
  });

export const AnyObject = (description: string) => Type.Unsafe<JsonObject>({ type: 'object', description });

export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description ? { description } : {});

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, with milliseconds' });

/** An object in a body that may be absent altogether. */
export const optionalBody = { [OPTIONAL_BODY]: true };

export const Id = Text(1, 200);
export const IdParams = Type.Object({ id: Type.String() });

export const LeaseToken = Type.Integer({ description: 'The token of the live lease' });

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'urn:colonyos:problem:<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What to do about it' }),
    instance: Type.String(),
    code: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { description: 'RFC 9457 problem details' },
);
