/**
 * Reads TypeScript just well enough to hold rules over it: what a file imports, and which names its code uses. The
 * compiler has no JavaScript interface any more, so comments, strings and regular expressions are told apart here.
 */

export interface Import {
  readonly specifier: string;
  /** The names between the braces, as they are called where they come from; `*` for everything. */
  readonly names: readonly string[];
  readonly kind: 'static' | 'type' | 'dynamic';
}

/** Both are as long as the source, with blanks for what is left out, so a place in one is the same place in the other. */
export interface Scan {
  /** The source without comments. */
  readonly text: string;
  /** The same without the contents of strings, templates and regular expressions: only code is left. */
  readonly code: string;
}

/** A regular expression may stand only where a value may; this is what can come right before a value. */
const BEFORE_A_VALUE = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|of|in|do|else|yield|await|void|new))$/;

export function scan(source: string): Scan {
  let text = '';
  let code = '';
  // One entry per open template literal: how many braces are open inside its current `${…}`.
  const templates: number[] = [];
  let i = 0;

  const keep = (length: number) => {
    text += source.slice(i, i + length);
    code += source.slice(i, i + length);
    i += length;
  };
  const literal = (end: number, head: number, tail: number) => {
    text += source.slice(i, end);
    const inner = Math.max(end - tail, i + head);
    code += source.slice(i, i + head) + blank(source.slice(i + head, inner)) + source.slice(inner, end);
    i = end;
  };
  const comment = (end: number) => {
    text += blank(source.slice(i, end));
    code += blank(source.slice(i, end));
    i = end;
  };
  const template = () => {
    const end = endOfTemplatePiece(source, i + 1);
    const opens = source.startsWith('${', end - 2);
    if (opens) templates.push(0);
    literal(end, 1, opens ? 2 : 1);
  };

  while (i < source.length) {
    const two = source.slice(i, i + 2);
    const char = source[i]!;
    if (two === '//') {
      comment(orEnd(source.indexOf('\n', i), source));
    } else if (two === '/*') {
      comment(orEnd(source.indexOf('*/', i) + 2, source));
    } else if (char === '"' || char === "'") {
      literal(endOfString(source, i), 1, 1);
    } else if (char === '`') {
      template();
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop();
      template();
    } else if (char === '/' && BEFORE_A_VALUE.test(code.trimEnd().slice(-12))) {
      literal(endOfRegex(source, i), 1, 1);
    } else {
      const last = templates.length - 1;
      if (last >= 0 && char === '{') templates[last]!++;
      if (last >= 0 && char === '}') templates[last]!--;
      keep(1);
    }
  }
  return { text, code };
}

const STATIC = /(?<![.\w$])(import|export)\s+(type\s+)?(?:([\w$*{}\s,]+?)\s+from\s*)?(['"])([^'"]+)\4/g;
const DYNAMIC = /(?<![.\w$])import\s*\(\s*(['"])([^'"]+)\1/g;

/** Every module a file asks for: `import`, `export … from`, `import()` in code and in types. */
export function importsOf(source: string): Import[] {
  const { text, code } = scan(source);
  const imports: Import[] = [];
  for (const { 2: type, 3: clause, 5: specifier, index } of text.matchAll(STATIC)) {
    if (code[index] === ' ') continue; // Inside a string.
    imports.push({ specifier: specifier!, names: namesIn(clause ?? ''), kind: type ? 'type' : 'static' });
  }
  for (const { 2: specifier, index } of text.matchAll(DYNAMIC)) {
    if (code[index] === ' ') continue;
    imports.push({ specifier: specifier!, names: ['*'], kind: 'dynamic' });
  }
  return imports;
}

function namesIn(clause: string): string[] {
  const braces = /\{([^}]*)\}/.exec(clause)?.[1] ?? '';
  const named = braces
    .split(',')
    .map(
      (part) =>
        part
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)[0]!,
    )
    .filter((name) => name !== '');
  const rest = clause
    .replace(/\{[^}]*\}/, '')
    .replaceAll(',', '')
    .trim();
  return rest === '' ? named : [...named, rest.startsWith('*') ? '*' : 'default'];
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

function orEnd(index: number, source: string): number {
  return index <= 1 ? source.length : index;
}

function endOfString(source: string, start: number): number {
  const quote = source[start];
  let i = start + 1;
  while (i < source.length && source[i] !== quote && source[i] !== '\n') i += source[i] === '\\' ? 2 : 1;
  return Math.min(i + 1, source.length);
}

/** Behind the closing backtick, or behind the `${` that opens the next expression. */
function endOfTemplatePiece(source: string, start: number): number {
  let i = start;
  while (i < source.length) {
    if (source[i] === '`') return i + 1;
    if (source.startsWith('${', i)) return i + 2;
    i += source[i] === '\\' ? 2 : 1;
  }
  return source.length;
}

function endOfRegex(source: string, start: number): number {
  let inClass = false;
  for (let i = start + 1; i < source.length; i++) {
    const char = source[i];
    if (char === '\n') return i;
    if (char === '\\') i++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return i + 1;
  }
  return source.length;
}
