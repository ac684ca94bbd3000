/** The documents say what the code says: links lead somewhere, and the lists are complete. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { VARIABLES } from '../packages/kernel/src/config.ts';
import { PROBLEMS } from '../packages/kernel/src/core/errors.ts';
import { EPHEMERAL_TYPES, LEDGER_TYPES } from '../packages/kernel/src/core/event.ts';
import { read as readRequirements } from '../packages/kernel/src/mind/asked.ts';
import { unmet } from '../packages/kernel/src/mind/reasons.ts';
import { aWorker } from '../packages/kernel/src/testing/scribe.ts';
import { anchorsOf, brokenLinks, tableRows } from './markdown.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function filesBelow(folder: string, suffix: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'packages', 'examples', 'deploy', 'bench', '.github']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => filesBelow(folder, '.md')),
].filter((path) => !/(^|\/)(node_modules|dist|\.work)\//.test(path));

describe('links', () => {
  test.each(documents)('in %s lead somewhere', (path) => {
    const broken = brokenLinks(read(path), (link, anchor) => {
      const target = link === '' ? path : join(dirname(path), link);
      if (!existsSync(join(root, target))) return false;
      return anchor === null || !target.endsWith('.md') || anchorsOf(read(target)).has(anchor);
    });
    expect(broken).toEqual([]);
  });
});

describe('docs/errors.md', () => {
  test('lists every code with its status, and no other', () => {
    const documented = tableRows(read('docs/errors.md'), 'code').map(([code, status]) => [code, Number(status)]);
    const real = Object.entries(PROBLEMS).map(([code, [status]]) => [code, status]);
    expect(documented.sort()).toEqual(real.sort());
  });
});

describe('docs/events.md', () => {
  const rows = tableRows(read('docs/events.md'), 'type');

  test('lists every type, and no other', () => {
    expect(rows.map(([type]) => type).sort()).toEqual([...LEDGER_TYPES, ...EPHEMERAL_TYPES].sort());
  });

  test('agrees with the code on who speaks and what is told', () => {
    const documented = new Map(rows.map(([type, source, data]) => [type, { source, data: data!.match(/\w+/g) ?? [] }]));
    const emitted = filesBelow('packages/kernel/src/body', '.ts').flatMap((path) => eventsIn(read(path)));
    expect(emitted.length).toBeGreaterThan(10);
    for (const { type, source, data } of emitted) {
      const entry = documented.get(type);
      expect({ type, source: entry?.source }).toEqual({ type, source });
      expect(entry?.data, type).toEqual(expect.arrayContaining(data));
    }
  });

  test('promises nothing that the code does not mention', () => {
    const code = filesBelow('packages/kernel/src/body', '.ts').map(read).join('\n');
    const promised = rows.flatMap(([, , data]) => data!.match(/\w+/g) ?? []);
    expect(promised.filter((member) => !new RegExp(`\\b${member}\\b`).test(code))).toEqual([]);
  });
});

/**
 * Every `event('type', 'source', { … })` that is written out, with the members of its data. `worker:${…}` stands for
 * any worker. What is put together elsewhere is not seen.
 */
function eventsIn(code: string): { type: string; source: string; data: string[] }[] {
  const calls = code.matchAll(
    /\bevent\(\s*'(\w+)',\s*['`](kernel|neurasphere|neurosphere|worker:)[^,]*,\s*(?:\{([^}]*)\})?/g,
  );
  return [...calls].map(([, type, source, members]) => ({
    type: type!,
    source: source === 'worker:' ? 'worker:<id>' : source!,
    data: [...(members ?? '').matchAll(/(?:^|,)\s*(\w+)(?=\s*[:,]|\s*$)/g)].map(([, name]) => name!),
  }));
}

describe('docs/configuration.md', () => {
  test('lists every variable as the code has it, and no other', () => {
    const documented = tableRows(read('docs/configuration.md'), 'variable');
    const real = Object.values(VARIABLES).map(({ name, fallback, allowed, doc }) => [
      name,
      fallback || 'none',
      allowed,
      doc,
    ]);
    expect(documented.sort()).toEqual(real.sort());
  });
});

describe('reading Markdown', () => {
  const text = [
    '# One `two`, three!',
    '[a](a.md) [b](https://example.org) ![c](c.png "title") [d](#one-two-three) [e](a.md#x)',
    '`[f](f.md)`',
    '```',
    '[g](g.md)',
    '# not a heading',
    '```',
    '| code | status |',
    '| --- | --- |',
    '| `x` | 1 |',
    '',
    '| other | status |',
    '| --- | --- |',
    '| `y` | 2 |',
  ].join('\n');

  test('finds the links that are meant to be followed here', () => {
    expect(brokenLinks(text, () => false)).toEqual(['a.md', 'c.png', '#one-two-three', 'a.md#x']);
  });

  test('finds headings and tables', () => {
    expect([...anchorsOf(text)]).toEqual(['one-two-three']);
    expect(tableRows(text, 'code')).toEqual([['x', '1']]);
  });
});

describe('docs/mind.md', () => {
  const rows = tableRows(read('docs/mind.md'), 'requirements');

  test.each(rows)('says of %s and %s what the mind says', (requirements, worker, reason) => {
    const { name = 'w', capabilities = [], attributes = {} } = JSON.parse(worker!);
    const profile = { name, capabilities, attributes, maxConcurrentTasks: 1 };
    const reasons = unmet(aWorker({ profile }), readRequirements(JSON.parse(requirements!)));
    expect(reasons).toEqual(reason === 'fits' ? [] : [reason]);
  });
});
