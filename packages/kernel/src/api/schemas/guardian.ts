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

const Limit = Type.Object({
  id: Type.String(),
  description: Type.Optional(Type.String()),
  capability: Type.String(),
  max_concurrent: Type.Optional(Type.Integer({ description: 'How many tasks that require it execute at once' })),
  per_second: Type.Optional(Type.Number({ description: 'How many of them are started in a second' })),
  burst: Type.Optional(Type.Integer({ description: 'How many at once, after a pause. Default: a second of them' })),
});

export const PolicySchema = Type.Object({
  version: Type.Integer(),
  rules: Type.Array(Rule),
  limits: Type.Optional(Type.Array(Limit)),
});

/** What is wrong with a policy is said by those who read it, rule by rule. */
export const PolicyInput = AnyObject(
  '{rules: [{id, type, action, …}], limits: [{id, capability, …}]}; a version is ignored, the kernel counts them',
);

export const EvaluationSchema = Type.Object({
  verdict: Type.Enum(['approve', 'reject', 'require_approval']),
  violations: Type.Array(Type.Object({ rule: Type.String(), message: Type.String() })),
});
