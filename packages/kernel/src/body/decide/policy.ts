import { contentHash } from '../../core/chain.ts';
import type { Replies, SetPolicy } from '../../core/command.ts';
import type { Document } from '../../core/document.ts';
import { Bug, Refusal } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { RuleTypes } from '../../core/rule-types.ts';
import { DEFAULT_POLICY } from '../../guardian/default-policy.ts';
import { parsePolicy } from '../../guardian/parse.ts';
import type { Policy } from '../../guardian/policy.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';

/** The policy in force: a document, or what a colony begins with as long as nobody has set one. */

export const POLICY = 'policy current';

/** A policy is read once for all the batches that it is in force in. */
const compiled = new WeakMap<
  RuleTypes,
  { document: Document | null; readonly text: string; readonly policy: Policy }
>();

/** @param document the stored one; null: nobody has set one. What was once accepted and is not any more is a fault. */
export function policyOf(document: Document | null, types: RuleTypes): Policy {
  const known = compiled.get(types);
  if (known?.document === document) return known.policy;
  const written = document?.body.policy ?? (DEFAULT_POLICY as unknown as Json);
  const text = document === null ? '' : JSON.stringify(written);
  if (known?.text === text) {
    known.document = document;
    return known.policy;
  }
  const parsed = parsePolicy(written, types);
  if ('errors' in parsed) {
    const [{ path, message }] = parsed.errors as [{ path: string; message: string }];
    throw new Bug(`the stored policy cannot be read: ${path} ${message}`);
  }
  compiled.set(types, { document, text, policy: parsed.policy });
  return parsed.policy;
}

/** The policy that was in force when it was last asked for; null: nobody has asked yet. */
export function lastPolicy(types: RuleTypes): Policy | null {
  return compiled.get(types)?.policy ?? null;
}

/** Whether it is known. */
export function needs(wanted: Wanted): boolean {
  return wanted.document(POLICY);
}

/** The whole policy takes the place of the one before; or nothing does, when anything is wrong with it. */
export function set(slice: Slice, command: SetPolicy): Decision<Replies['set_policy']> | Refusal {
  const document = slice.document(POLICY);
  const before = policyOf(document, slice.rules.guardian.types).document.version;
  if (command.expected !== null && command.expected !== before) {
    return new Refusal(
      'version_mismatch',
      `The policy is at version ${before}, not ${command.expected}: read it again.`,
    );
  }
  const parsed = parsePolicy({ ...command.policy, version: before + 1 }, slice.rules.guardian.types);
  if ('errors' in parsed) {
    const [{ path, message }] = parsed.errors as [{ path: string; message: string }];
    return new Refusal('validation_failed', `${path === '' ? 'The policy' : path} ${message}`, {
      errors: parsed.errors,
    });
  }
  const { policy } = parsed;
  const change = new Change(slice, command.actor);
  const body = { policy: policy.document as unknown as JsonObject, file: command.file ?? document?.body.file ?? null };
  const fixed = { collection: 'policy', id: 'current', version: 1, state: '', createdAt: slice.now.wall } as const;
  const next = document
    ? change.updateDocument(document, { body })
    : change.createDocument({ ...fixed, dueAt: null, endedAt: null, body });
  // Read already: whoever asks for the last one learns of it at once, and should it not come to this, reads again.
  compiled.set(slice.rules.guardian.types, { document: next, text: JSON.stringify(policy.document), policy });
  change.event('policy_updated', 'neurasphere', {
    content_hash: contentHash(JSON.stringify(policy.document)),
    policy_version: policy.document.version,
    rules: policy.document.rules.length,
  });
  return { change, reply: { policy: policy.document as unknown as JsonObject } };
}
