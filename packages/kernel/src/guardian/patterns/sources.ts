import { charactersInClasses } from './classes.ts';
import { requiredLiterals } from './literals.ts';
import { compile, matchesEmptyText, type Program, TooLarge } from './program.ts';

/** How long a pattern may be, in UTF-16 code units, and how many instructions it may compile to. */
export const MAX_PATTERN_LENGTH = 500;
const MAX_INSTRUCTIONS = 1000;
/** How many characters the classes of a pattern may have, where case is ignored: see `classes.ts`. */
export const MAX_CHARACTERS = 250_000;

/** A pattern as it is written, and all that is made of it. */
export interface Pattern {
  readonly source: string;
  readonly program: Program;
  /** See `literals.ts`. */
  readonly literals: readonly string[] | null;
  readonly matchesEmptyText: boolean;
}

/**
 * Reads a pattern. It takes some milliseconds at the worst, so what was read last is remembered: a policy can be read
 * pattern by pattern, with a pause whenever it gets long, before it is put together.
 * @throws TooLarge, or an Error that says what is wrong with it
 */
export function readPattern(source: string): Pattern {
  const known = remembered.get(source) ?? attempt(source);
  remember(source, known);
  if (known instanceof Error) throw known;
  return known;
}

/** What it takes to read a pattern, in about the time it takes to search a character. */
export function readingWork(source: string, characters: number): number {
  return 200 * source.length + 8 * characters;
}

/** Twice what a policy may have: what was read for one is there until it is put together. */
const MOST_REMEMBERED = 1000;
const MOST_REMEMBERED_SIZE = 40_000;
const remembered = new Map<string, Pattern | Error>();
let rememberedSize = 0;

/** As the youngest; the oldest are forgotten. */
function remember(source: string, pattern: Pattern | Error): void {
  forget(source);
  remembered.set(source, pattern);
  rememberedSize += sizeOf(pattern);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= MOST_REMEMBERED && rememberedSize <= MOST_REMEMBERED_SIZE) return;
    forget(oldest);
  }
}

function forget(source: string): void {
  const known = remembered.get(source);
  if (known !== undefined) rememberedSize -= sizeOf(known);
  remembered.delete(source);
}

function sizeOf(pattern: Pattern | Error): number {
  return pattern instanceof Error ? 1 : pattern.program.size;
}

function attempt(source: string): Pattern | Error {
  try {
    const characters = charactersInClasses(source);
    if (characters > MAX_CHARACTERS) {
      const allowed = `at most ${MAX_CHARACTERS} are allowed; use fewer or narrower ranges and properties`;
      throw new TooLarge(`its classes have about ${characters} characters; ${allowed}`);
    }
    const program = compile(source, MAX_INSTRUCTIONS);
    return { source, program, literals: requiredLiterals(program), matchesEmptyText: matchesEmptyText(program) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
