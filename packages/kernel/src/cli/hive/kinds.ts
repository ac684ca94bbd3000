import { basename, extname } from 'node:path';

/** What the hive can do with a file, and so which bee takes it. */
export type Kind = 'image' | 'text' | 'data';

export const KINDS: readonly Kind[] = ['text', 'data', 'image'];

/** A kind of bee, as it introduces itself to the kernel. */
export interface Trade {
  readonly bee: string;
  readonly capability: string;
  readonly category: string;
  /** What a task tells people about the file. */
  readonly verb: string;
}

export const TRADES: Readonly<Record<Kind, Trade>> = {
  image: { bee: 'ImageProcessor', capability: 'image_processing', category: 'media', verb: 'Read the header of' },
  text: { bee: 'TextAnalyzer', capability: 'text_analysis', category: 'language', verb: 'Count the words of' },
  data: { bee: 'DataValidator', capability: 'data_validation', category: 'data', verb: 'Validate' },
};

/** Languages and formats, each with the extensions of its files. */
const LANGUAGES: Readonly<Record<Kind, Readonly<Record<string, string>>>> = {
  image: { png: 'png', jpeg: 'jpg jpeg jpe', gif: 'gif', webp: 'webp', bmp: 'bmp', svg: 'svg' },
  data: { json: 'json geojson webmanifest' },
  text: {
    c: 'c h',
    cpp: 'cc cpp cxx hh hpp',
    csharp: 'cs',
    css: 'css scss less',
    csv: 'csv tsv',
    elixir: 'ex exs',
    go: 'go',
    html: 'html htm',
    java: 'java',
    javascript: 'js mjs cjs jsx',
    kotlin: 'kt kts',
    lua: 'lua',
    markdown: 'md markdown',
    php: 'php',
    plain: 'txt text rst adoc log license',
    python: 'py pyi',
    ruby: 'rb',
    rust: 'rs',
    shell: 'sh bash zsh',
    sql: 'sql',
    swift: 'swift',
    toml: 'toml',
    typescript: 'ts mts cts tsx',
    xml: 'xml',
    yaml: 'yaml yml',
    zig: 'zig',
  },
};

/** Files that everybody knows without an extension. */
const PLAIN_NAMES = /^(license|licence|readme|changelog|notice|authors|makefile|dockerfile)$/i;

const BY_EXTENSION: ReadonlyMap<string, readonly [Kind, string]> = new Map(
  KINDS.flatMap((kind) =>
    Object.entries(LANGUAGES[kind]).flatMap(([language, extensions]) =>
      extensions.split(' ').map((extension) => [extension, [kind, language] as const] as const),
    ),
  ),
);

export function languagesOf(kind: Kind): string[] {
  return Object.keys(LANGUAGES[kind]);
}

/** Which kind of bee a file is for, and its language; undefined when no bee knows such files. */
export function classify(path: string): { kind: Kind; language: string } | undefined {
  const found = BY_EXTENSION.get(extname(path).slice(1).toLowerCase());
  if (found) return { kind: found[0], language: found[1] };
  return PLAIN_NAMES.test(basename(path)) ? { kind: 'text', language: 'plain' } : undefined;
}
