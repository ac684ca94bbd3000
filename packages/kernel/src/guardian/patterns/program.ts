import { RE2JS } from 're2js';

/**
 * A compiled pattern: a nondeterministic automaton, one instruction a state. RE2JS reads and compiles the pattern, which
 * gives RE2's syntax and its folding of case; what runs the program is `automaton.ts`, because RE2JS itself bounds the
 * time by text × program, and that is seconds for a text of a megabyte. This file alone knows how RE2JS keeps a program.
 */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  /** What the program costs to hold and to run: its instructions, and for those that read, the ranges they accept. */
  readonly size: number;
}

export type Instruction =
  /** Goes on at each of `to`, without reading anything. `[]` leads nowhere. */
  | { readonly kind: 'go'; readonly to: readonly number[] }
  /** Goes on where all conditions in `flags` (see below) hold between two characters. */
  | { readonly kind: 'assert'; readonly flags: number; readonly to: number }
  /** Reads one character within `ranges`: first, last, first, last, … of code points in ascending order. */
  | { readonly kind: 'read'; readonly ranges: ArrayLike<number>; readonly to: number }
  | { readonly kind: 'match' };

/** The conditions of an assertion, as RE2JS numbers them. */
export const BEGIN_LINE = 1;
export const END_LINE = 2;
export const BEGIN_TEXT = 4;
export const END_TEXT = 8;
export const WORD_BOUNDARY = 16;
export const NO_WORD_BOUNDARY = 32;

export const LAST_CODE_POINT = 0x10ffff;

/** The pattern is sound, but would cost more to run than a policy may. */
export class TooLarge extends Error {}

/**
 * Compiles a pattern that ignores case.
 * @param most how many instructions it may have
 * @throws TooLarge, or an Error that says what is wrong with the pattern
 */
export function compile(pattern: string, most: number): Program {
  const { inst, start } = programOf(pattern);
  if (inst.length > most) {
    throw new TooLarge(`it compiles to ${inst.length} instructions; at most ${most} are allowed`);
  }
  let size = 0;
  const letters = new Map<number, ArrayLike<number>>();
  const instructions = inst.map((one) => {
    const instruction = translate(one, letters);
    size += instruction.kind === 'read' ? Math.max(1, instruction.ranges.length / 2) : 1;
    return instruction;
  });
  return { instructions, start, size };
}

/** What of RE2JS is relied upon. The tests hold every kind of instruction against what RE2JS itself finds. */
interface Re2Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

function programOf(pattern: string): { inst: readonly Re2Instruction[]; start: number } {
  return RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE).re2().prog;
}

const [ALT, ALT_MATCH, CAPTURE, EMPTY_WIDTH, FAIL, MATCH, NOP, RUNE, RUNE1, RUNE_ANY, RUNE_ANY_NOT_NL] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
];
const FOLD_CASE = 1;

function translate({ op, out, arg, runes }: Re2Instruction, letters: Map<number, ArrayLike<number>>): Instruction {
  switch (op) {
    case ALT:
    case ALT_MATCH:
      return { kind: 'go', to: [out, arg] };
    case CAPTURE:
    case NOP:
      return { kind: 'go', to: [out] };
    case FAIL:
      return { kind: 'go', to: [] };
    case EMPTY_WIDTH:
      return { kind: 'assert', flags: arg, to: out };
    case MATCH:
      return { kind: 'match' };
    case RUNE:
    case RUNE1:
      return { kind: 'read', ranges: rangesOf(runes, arg, letters), to: out };
    case RUNE_ANY:
      return { kind: 'read', ranges: [0, LAST_CODE_POINT], to: out };
    case RUNE_ANY_NOT_NL:
      return { kind: 'read', ranges: [0, 9, 11, LAST_CODE_POINT], to: out };
    default:
      throw new Error('it uses something that is not supported here');
  }
}

/** A single character stands for itself or, with FOLD_CASE, for all that are equal to it when case is ignored. */
function rangesOf(runes: ArrayLike<number>, arg: number, letters: Map<number, ArrayLike<number>>): ArrayLike<number> {
  if (runes.length !== 1) return runes;
  const rune = runes[0]!;
  if ((arg & FOLD_CASE) === 0) return [rune, rune];
  const known = letters.get(rune) ?? sameLetter(rune);
  letters.set(rune, known);
  return known;
}

/** Inside a class RE2JS writes them all out: k as K and the Kelvin sign, too, and s as S and the long s. */
function sameLetter(rune: number): ArrayLike<number> {
  const { inst } = programOf(`[\\x{${rune.toString(16)}}\\x{${LAST_CODE_POINT.toString(16)}}]`);
  const { runes } = inst.find(({ op }) => op === RUNE)!;
  return Array.from(runes).slice(0, -2);
}
