import { RE2JS, RE2Set } from 're2js';
import { compiledSize, type Tree } from './size.ts';

/**
 * A compiled pattern: a nondeterministic automaton, one instruction a state. RE2JS reads and compiles the pattern, which
 * gives RE2's syntax and its folding of case; what runs the program is `automaton.ts`, because RE2JS itself bounds the
 * time by text × program, and that is seconds for a text of a megabyte. This file alone knows how RE2JS keeps a program, and
 * `size.ts` how it keeps a parsed pattern.
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
  const set = parsed(pattern);
  const count = compiledSize(treeOf(set));
  if (count > most) {
    const allowed = `at most ${most} are allowed; use smaller or fewer repetitions`;
    throw new TooLarge(`it compiles to ${count} instructions; ${allowed}`);
  }
  set.compile();
  const { inst, start } = set.prog as unknown as { inst: readonly Re2Instruction[]; start: number };
  let size = 0;
  const instructions = inst.map((one) => {
    const instruction = translate(one);
    size += instruction.kind === 'read' ? Math.max(1, instruction.ranges.length / 2) : 1;
    return instruction;
  });
  return { instructions, start, size };
}

/** Whether a match needs no character at all. */
export function matchesEmptyText({ instructions, start }: Program): boolean {
  const reached = new Set([start]);
  for (const place of reached) {
    const one = instructions[place]!;
    if (one.kind === 'match') return true;
    if (one.kind === 'go') for (const to of one.to) reached.add(to);
    else if (one.kind === 'assert' && (one.flags & WORD_BOUNDARY) === 0) reached.add(one.to);
  }
  return false;
}

/** What of RE2JS is relied upon. The tests hold every kind of instruction against what RE2JS itself finds. */
interface Re2Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

/**
 * A set of one: it parses and compiles in two steps, and without all that RE2JS does beside to prepare a search of its own.
 */
function parsed(pattern: string): RE2Set {
  const set = new RE2Set(RE2Set.UNANCHORED, RE2JS.CASE_INSENSITIVE);
  set.add(pattern);
  return set;
}

function treeOf(set: RE2Set): Tree {
  return set.regexps[0] as Tree;
}

const [ALT, ALT_MATCH, CAPTURE, EMPTY_WIDTH, FAIL, MATCH, NOP, RUNE, RUNE1, RUNE_ANY, RUNE_ANY_NOT_NL] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
];
const FOLD_CASE = 1;

function translate({ op, out, arg, runes }: Re2Instruction): Instruction {
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
      return { kind: 'read', ranges: rangesOf(runes, arg), to: out };
    case RUNE_ANY:
      return { kind: 'read', ranges: [0, LAST_CODE_POINT], to: out };
    case RUNE_ANY_NOT_NL:
      return { kind: 'read', ranges: [0, 9, 11, LAST_CODE_POINT], to: out };
    default:
      throw new Error('it uses something that is not supported here');
  }
}

/** A single character stands for itself or, with FOLD_CASE, for all that are equal to it when case is ignored. */
function rangesOf(runes: ArrayLike<number>, arg: number): ArrayLike<number> {
  if (runes.length !== 1) return runes;
  const rune = runes[0]!;
  if ((arg & FOLD_CASE) === 0) return [rune, rune];
  let same = letters.get(rune);
  if (!same) {
    if (letters.size === MOST_LETTERS) letters.clear();
    same = sameLetter(rune);
    letters.set(rune, same);
  }
  return same;
}

/** Patterns are mostly made of the same few letters. */
const letters = new Map<number, ArrayLike<number>>();
const MOST_LETTERS = 1000;

/** Inside a class RE2JS writes them all out: k as K and the Kelvin sign, too, and s as S and the long s. */
function sameLetter(rune: number): ArrayLike<number> {
  const { runes } = treeOf(parsed(`[\\x{${rune.toString(16)}}\\x{${LAST_CODE_POINT.toString(16)}}]`));
  return Array.from(runes).slice(0, -2);
}
