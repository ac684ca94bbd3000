import fc from 'fast-check';
import type { Command } from '../../core/command.ts';
import type { TaskInput } from '../../core/task.ts';
import { planCommand } from '../plan-command.ts';
import type { Model } from './model.ts';

const member = fc.record({
  dependsOn: fc.array(fc.nat(), { maxLength: 2 }),
  /** Whose result it uses, and whether there is what it asks for. */
  uses: fc.option(fc.nat(), { freq: 2 }),
  finds: fc.constantFrom(true, true, true, false),
  risk: fc.constantFrom('low', 'low', 'low', 'low', 'low', 'low', 'critical', 'forbidden'),
  retries: fc.nat(1),
});
const submitPlan = fc.record({
  kind: fc.constant('submit_plan' as const),
  members: fc.array(member, { minLength: 1, maxLength: 5 }),
  /** Who depends on others may come before them. */
  backwards: fc.boolean(),
  stops: fc.boolean(),
  parent: fc.option(fc.nat(), { freq: 5 }),
  key: fc.option(fc.nat(2), { freq: 5 }),
});
const cancelPlan = fc.record({ kind: fc.constant('cancel_plan' as const), plan: fc.nat() });

/** What may be done about plans. */
export const planning = fc.oneof({ weight: 2, arbitrary: submitPlan }, { weight: 1, arbitrary: cancelPlan });
type Planning = typeof planning extends fc.Arbitrary<infer T> ? T : never;

/** The command that an action comes to. */
export function planCommandOf(what: Planning, model: Model): Command {
  if (what.kind === 'cancel_plan') {
    const { id } = model.plans[what.plan % (model.plans.length || 1)] ?? { id: 'p0' };
    return { kind: 'cancel_plan', actor: 'ann', planId: id };
  }
  const key = (n: number) => `k${n}`;
  const members = what.members.map(({ dependsOn, uses, finds, risk, retries }, index): [string, Partial<TaskInput>] => [
    key(index),
    {
      requirements: { capability: 'dig' },
      depends_on: index === 0 ? [] : dependsOn.map((n) => key(n % index)),
      max_retries: retries,
      timeout_seconds: 1,
      ...(index > 0 && uses !== null && { payload: { $result: `${key(uses % index)}${finds ? '' : '.missing'}` } }),
      ...(risk === 'critical' && { constraints: { safety_level: 'critical' } }),
      ...(risk === 'forbidden' && { description: 'rm -rf /' }),
    },
  ]);
  if (what.backwards) members.reverse();
  const id = `p${model.handedIn + 1}`;
  const known = model.tasks;
  const parentId = what.parent === null || known.length === 0 ? null : known[what.parent % known.length]!.id;
  const names = new Map(members.map(([name], place) => [name, `t${known.length + 1 + place}`]));
  const command = planCommand(id, Object.fromEntries(members), model.now.wall, {
    onFailure: what.stops ? 'stop' : 'continue',
    idOf: (name) => names.get(name)!,
    ...(parentId !== null && { parentId }),
  });
  return what.key === null ? command : { ...command, idempotency: { key: `plan ${what.key}`, bodyHash: 'b' } };
}
