import { Refusal } from '../core/errors.ts';
import type { MemoryCondition } from '../core/memory.ts';
import { invalidField } from './problem.ts';

/** What must be so before a request is carried out (RFC 9110, 13.1.1 and 13.1.2); versions are entity tags. */

interface ConditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

const IF_MATCH = 'header.If-Match';
const IF_NONE_MATCH = 'header.If-None-Match';

/** Null: nothing is asked for. */
export function readIfMatch(header: string | undefined): number | '*' | null | Refusal {
  if (header === undefined || header === '*') return header ?? null;
  const version = /^"(\d{1,15})"$/.exec(header)?.[1];
  return version === undefined ? invalidField(IF_MATCH, 'must be a version in quotes, as "3", or *') : Number(version);
}

export function readCondition(headers: ConditionHeaders): MemoryCondition | Refusal {
  const { 'if-match': ifMatch, 'if-none-match': none } = headers;
  if (none !== undefined && none !== '*') return invalidField(IF_NONE_MATCH, 'must be *');
  const match = readIfMatch(ifMatch);
  if (match instanceof Refusal) return match;
  if (match !== null && none !== undefined) {
    return invalidField(IF_NONE_MATCH, 'cannot go with If-Match: what is there cannot be absent');
  }
  return { match, absent: none !== undefined };
}

/** Which header asks for a condition, where there can be none: who asks for one must not believe that it held. */
export function conditionHeader({ 'if-match': match, 'if-none-match': none }: ConditionHeaders): string | null {
  return match !== undefined ? IF_MATCH : none !== undefined ? IF_NONE_MATCH : null;
}
