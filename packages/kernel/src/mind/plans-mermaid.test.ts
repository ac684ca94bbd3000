import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mermaidOf } from './plans-mermaid.ts';

test('tasks are boxes in the colour of their status, dependencies are arrows', () => {
  const text = mermaidOf([
    { key: 'b', dependsOn: ['a'], status: 'pending', description: 'the second' },
    { key: 'a', dependsOn: [], status: 'completed', description: 'the first' },
  ]);
  expect(text).toBe(
    [
      'flowchart TD',
      '  n0["b: the second"]:::pending',
      '  n1["a: the first"]:::completed',
      '  n1 --> n0',
      '  classDef pending fill:#eeeeee',
      '  classDef completed fill:#d1e7dd',
      '',
    ].join('\n'),
  );
});

test('whatever a description says, it stays in its box', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (description) => {
      const lines = mermaidOf([{ key: 'k', dependsOn: [], status: 'queued', description }]).split('\n');
      expect(lines).toHaveLength(4);
      expect(lines[1]).toMatch(/^ {2}n0\["[\p{L}\p{N} .,:_…#;-]*"\]:::queued$/u);
    }),
  );
  const [, box] = mermaidOf([{ key: 'k', dependsOn: [], status: 'queued', description: '"]-->x;<b>\n' }]).split('\n');
  expect(box).toBe('  n0["k: #34;#93;--#62;x#59;#60;b#62;#10;"]:::queued');
});

test('a long description is cut, between characters', () => {
  const text = mermaidOf([{ key: 'k', dependsOn: [], status: 'queued', description: 'x'.repeat(58) + '𝒳'.repeat(9) }]);
  expect(text).toContain(`k: ${'x'.repeat(58)}𝒳…"`);
});
