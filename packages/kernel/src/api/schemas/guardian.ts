import { Type } from 'typebox';
import { AnyObject } from './common.ts';

const Rule = Type.Object(
  {
    id: Type.String(),
    type: Type.String({
      description:
        'prohibited_pattern, resource_limit, safety_level, rate_limit, requirement, or one that a module of the operator brings',
    }),
    action: Type.Enum(['reject', 'require_approval', 'warn']),
  },
  { additionalProperties: true, description: 'Beside these members each type has its own' },
);

export const PolicySchema = Type.Object({ version: Type.Integer(), rules: Type.Array(Rule) });

/** What is wrong with a policy is said by those who read it, rule by rule. */
export const PolicyInput = AnyObject('{rules: [{id, type, action, …}]}; a version is ignored, the kernel counts them');

export const EvaluationSchema = Type.Object({
  verdict: Type.Enum(['approve', 'reject', 'require_approval']),
  violations: Type.Array(Type.Object({ rule: Type.String(), message: Type.String() })),
});
