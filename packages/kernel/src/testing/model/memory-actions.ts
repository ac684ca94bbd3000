import fc from 'fast-check';
import type { Command } from '../../core/command.ts';
import { type MemoryInput, vectorText } from '../../core/memory.ts';
import type { Model } from './model.ts';

/** What may happen to memory, drawn at random: few keys in few scopes, so that things meet. */
export const remembering = fc.record({
  kind: fc.constantFrom(
    'put_memory' as const,
    'put_memory' as const,
    'put_memory' as const,
    'embed_memory' as const,
    'embed_memory' as const,
    'delete_memory' as const,
    'expire_memory' as const,
  ),
  scope: fc.constantFrom('a', 'b'),
  items: fc.array(
    fc.record({
      key: fc.nat(2),
      value: fc.nat(5),
      text: fc.constantFrom(null, 'so', 'or so'),
      ttlMs: fc.constantFrom(null, null, 700, 2000),
      vector: fc.constantFrom(null, null, [1, 0], [0, 1], [1, 2, 3]),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  condition: fc.constantFrom('none', 'none', 'absent', 'any', 'current', 'old'),
});
type Remembering = typeof remembering extends fc.Arbitrary<infer T> ? T : never;

export function aboutMemory({ kind, scope, items, condition }: Remembering, model: Model): Command {
  const [first] = items;
  const key = `k${first!.key}`;
  const entry = model.memory.find((one) => one.scope === scope && one.key === key && !one.gone);
  if (kind === 'expire_memory') {
    const expiresAt = entry?.expiresAt ?? model.now.wall - first!.value;
    return { kind, actor: 'kernel', scope, key, expiresAt };
  }
  if (kind === 'embed_memory') {
    const model = first!.value % 2 === 0 ? 'even' : 'odd';
    const version = (entry?.version ?? 1) - Number(condition === 'old');
    const hash = condition === 'absent' ? 'of another text' : (entry?.hash ?? 'h0');
    const vector = { 0: null, 1: null, 2: vectorText([1, 0]) }[first!.value] ?? vectorText([1, 0, 0]);
    const items = [{ key, version, hash, vector }];
    return { kind, actor: 'kernel', scope, model, items };
  }
  const version = entry?.version ?? 1;
  const match = { none: null, absent: null, any: '*', current: version, old: version - 1 }[condition] as '*' | null;
  const asked = { match, absent: condition === 'absent' };
  if (kind === 'delete_memory') return { kind, actor: 'ann', scope, key, condition: asked };
  const inputs = items.map(({ key, value, text, ttlMs, vector }, at): MemoryInput => {
    const given = { value: String(value), metadata: {}, text, vector: vector && vectorText(vector) };
    return { key: `k${key}`, ...given, hash: `h${value}`, ttlMs, path: `/items/${at}` };
  });
  return { kind, actor: 'ann', scope, items: inputs, condition: asked };
}
