/**
 * The rules of the house, each a function from one source file to what is wrong with it. They know nothing of the
 * disk, so that a test can hand them made-up files and see them object.
 */
import { posix } from 'node:path';
import { type Import, importsOf, scan } from './scan.ts';

export interface SourceFile {
  /** Relative to the package's `src/`, with forward slashes. */
  readonly path: string;
  readonly source: string;
}

/** What is wrong, as a sentence, or nothing. */
export type Rule = (file: SourceFile) => readonly string[];

/** The biggest a source file may be. Beyond it a file has become two things. */
export const MAX_FILE_BYTES = 14_000;

/**
 * Who may import whom. The files right under `src/` are a room each, named like the file; compose alone knows every
 * adapter, and the command line starts the kernel through it. Migrate puts two stores together, and no kernel; audit checks
 * what a kernel has exported, without one.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  guardian: ['core'],
  mind: ['core'],
  body: ['core', 'guardian', 'mind'],
  api: ['core', 'body', 'archive'],
  redis: ['core'],
  store: ['core', 'redis', 'memory'],
  bus: ['core', 'redis'],
  memory: ['core'],
  signing: ['core'],
  audit: ['core', 'signing'],
  archive: ['core', 'signing'],
  config: ['core'],
  compose: [
    'config',
    'policy',
    'core',
    'guardian',
    'mind',
    'body',
    'api',
    'redis',
    'store',
    'bus',
    'memory',
    'signing',
  ],
  policy: ['core', 'guardian'],
  migrate: ['config', 'core', 'store', 'archive', 'signing'],
  main: ['compose', 'config', 'core'],
  cli: ['main', 'compose', 'config', 'migrate', 'audit', 'signing'],
  testing: [
    'compose',
    'config',
    'core',
    'guardian',
    'mind',
    'body',
    'api',
    'redis',
    'store',
    'bus',
    'memory',
    'signing',
  ],
};

/** Rooms of which a room may know the types, because it is handed such things. */
const MAY_KNOW: Readonly<Record<string, readonly string[]>> = { api: ['config'] };

/** Ports: the interfaces that the world stands behind. They may speak of anything, since they do nothing. */
const PORTS = ['core/event-bus.ts', 'core/signer.ts', 'core/store.ts', 'core/vector-index.ts', 'core/embedder.ts'];

/** The shell of the body: the only files of it that wait, count time or touch a store. All others compute. */
const SHELL = ['kernel', 'batcher', 'sweeper', 'event-relay', 'presence', 'system-clock'].map(
  (name) => `body/${name}.ts`,
);

export function isPure(path: string): boolean {
  return /^(core|guardian|mind|body)\//.test(path) && !PORTS.includes(path) && !SHELL.includes(path);
}

/** What a pure file may take from outside the project: functions of their arguments, nothing else. */
const PURE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': ['createHash', 'hash'],
  croner: ['Cron'],
  re2js: ['RE2JS', 'RE2Set'],
};

/** Names that bring in a clock, chance, a timer, the environment or the world outside. */
const IMPURE = [
  [
    'a clock',
    /(?<![.#\w$])Date\.now\b|(?<![.#\w$])new\s+Date\s*(?:\(\s*\)|(?![\w$\s(]))|(?<!new\s+)(?<![.#\w$])Date\s*\(/g,
  ],
  ['a clock', /(?<![.#\w$])(?:performance|Temporal)\b(?!\s*\??:)/g],
  ['randomness', /(?<![.#\w$])(?:Math\.random|crypto|randomUUID|randomBytes|uuidv7)\b(?!\s*\??:)/g],
  ['a timer', /(?<![.#\w$])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b(?!\s*\??:)/g],
  ['the environment', /(?<![.#\w$])(?:process|globalThis|navigator)\b(?!\s*\??:)/g],
  ['I/O', /(?<![.#\w$])(?:fetch|console|WebSocket|XMLHttpRequest|require)\b(?!\s*\??:)/g],
] as const;

/** `config-values.ts` belongs to `config.ts`, as the files of a folder belong together. */
function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/(-[\w-]+)?\.ts$/, '');
}

/** Where a relative import leads, as a path below `src/`; null when it is not relative. */
function target(path: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null;
}

/** Rooms import only the rooms they may. */
export const layers: Rule = ({ path, source }) => {
  const room = roomOf(path);
  const allowed = MAY_IMPORT[room];
  if (!allowed) return [`${path}: there is no rule for the room "${room}"; add it to MAY_IMPORT`];
  return importsOf(source).flatMap(({ specifier, kind }) => {
    const to = target(path, specifier);
    if (to === null) return [];
    if (to.startsWith('..')) return [`${path} imports ${specifier}, which is outside the kernel's src`];
    const other = roomOf(to);
    if (other === room || allowed.includes(other)) return [];
    if (kind === 'type' && MAY_KNOW[room]?.includes(other)) return [];
    return [`${path} imports ${to}: ${room} may import ${allowed.join(', ') || 'nothing of ours'}`];
  });
};

/** What decides is a function of what it is given. */
export const purity: Rule = ({ path, source }) => {
  if (!isPure(path)) return [];
  const { code } = scan(source);
  const names = IMPURE.flatMap(([what, pattern]) =>
    [...code.matchAll(pattern)].map((match) => `${path} is pure but reaches for ${what}: ${match[0].trim()}`),
  );
  const imports = importsOf(source)
    .filter((one) => one.kind !== 'type' && target(path, one.specifier) === null && !isPureImport(one))
    .map((one) => `${path} is pure but imports ${one.names.join(', ') || 'all'} of ${one.specifier}`);
  return [...names, ...imports];
};

function isPureImport({ specifier, names, kind }: Import): boolean {
  const allowed = PURE_IMPORTS[specifier] ?? [];
  return kind === 'static' && names.length > 0 && names.every((name) => allowed.includes(name));
}

/** A pure file leans on pure files only; of the others it may know the types. */
export const pureImportsPure: Rule = ({ path, source }) => {
  if (!isPure(path)) return [];
  return importsOf(source).flatMap(({ specifier, kind }) => {
    const to = target(path, specifier);
    if (to === null || kind === 'type' || isPure(to) || PORTS.includes(to)) return [];
    return [`${path} is pure but imports ${to}, which is not`];
  });
};

/** Test tools stay out of what is shipped. */
export const nothingShippedImportsTesting: Rule = ({ path, source }) => {
  if (roomOf(path) === 'testing') return [];
  return importsOf(source)
    .map(({ specifier }) => target(path, specifier))
    .filter((to) => to !== null && roomOf(to) === 'testing')
    .map((to) => `${path} is shipped but imports ${to}`);
};

/** Where a program begins, and so where the whole environment may be picked up and handed to `config.ts`. */
const ENTRANCES = /^(main|compose)\.ts$|^cli\//;

/** One file knows the environment's names, checks what they hold and freezes it. */
export const environmentOnlyInConfig: Rule = ({ path, source }) => {
  if (path === 'config.ts') return [];
  const { code } = scan(source);
  const handedOn = /\b\w+\(\s*process\s*\.\s*env\b(?=\s*[,)])/g;
  const rest = ENTRANCES.test(path) ? code.replace(handedOn, '') : code;
  const found = /(?<![.\w$])process\s*(?:\.\s*env\b|\[)|\benv\b[^;]*=\s*process\b/.test(rest);
  return found ? [`${path} reads the environment; config.ts alone does`] : [];
};

/** The command line talks to people; everything else talks to the log, or to whoever called it. */
export const noConsole: Rule = ({ path, source }) => {
  if (roomOf(path) === 'cli') return [];
  const found = /(?<![.\w$])console\s*\.\s*(?:log|info|debug|dir|table)\b/.exec(scan(source).code);
  return found ? [`${path} uses ${found[0]}; use the log`] : [];
};

export const smallFiles: Rule = ({ path, source }) => {
  const bytes = Buffer.byteLength(source);
  return bytes > MAX_FILE_BYTES ? [`${path} has ${bytes} bytes; ${MAX_FILE_BYTES} is the most: split it`] : [];
};

/** Files of the client that run only in Node, in a thread of their own. */
const NODE_ONLY = /(^|\/)[\w-]*thread[\w-]*\.ts$/;

/**
 * The client stands alone, and a browser can load it: no packages, and Node's modules only where nothing loads them
 * by merely importing the client.
 */
export const clientStandsAlone: Rule = ({ path, source }) =>
  importsOf(source).flatMap(({ specifier, kind }) => {
    const to = target(path, specifier);
    if (to !== null) return to.startsWith('..') ? [`${path} imports ${specifier}, which is outside the client`] : [];
    const node = specifier.startsWith('node:');
    if (node && (kind !== 'static' || NODE_ONLY.test(path))) return [];
    return [`${path} imports ${specifier}: the client has no dependencies${node ? ', and runs in browsers' : ''}`];
  });

export const KERNEL_RULES: Readonly<Record<string, Rule>> = {
  'every room imports only the rooms it may': layers,
  'pure files touch no clock, chance, timer, environment or I/O': purity,
  'pure files import pure files only': pureImportsPure,
  'nothing shipped imports testing': nothingShippedImportsTesting,
  'config alone reads the environment': environmentOnlyInConfig,
  'only the command line writes to the console': noConsole,
  'no file is too large': smallFiles,
};

export const CLIENT_RULES: Readonly<Record<string, Rule>> = {
  'the client imports nothing outside itself': clientStandsAlone,
  'the client does not write to the console': noConsole,
  'no file of the client is too large': smallFiles,
};
