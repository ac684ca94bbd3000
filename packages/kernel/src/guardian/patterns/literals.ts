import type { Instruction, Program } from './program.ts';

/**
 * Texts one of which must stand in the JSON text of whatever a pattern matches in, so that most tasks need no search.
 * They are found in the compiled program: every match passes through certain instructions, and what may be read from one
 * of those on, character by character, is a set of texts as long as few are possible.
 *
 * The texts are spelled as `keywords.ts` reads: as JSON escapes them, in lower case, with `OTHER` for whatever is not
 * ASCII. A text that JSON may write as `\u…` is left out, since `keywords.ts` stops at every `\u` anyway.
 *
 * @returns null when nothing can be said, and the pattern has to be looked for in every task
 */
export function requiredLiterals({ instructions, start }: Program): readonly string[] | null {
  let best: readonly string[] | null = null;
  const effort = { left: MOST_STEPS };
  for (const place of unavoidable(instructions, start)) {
    if (effort.left <= 0) break;
    const texts = textsFrom(instructions, place, effort);
    if (texts && (best === null || worth(texts) > worth(best))) best = texts;
  }
  return best;
}

/** Stands for every UTF-16 code unit beyond ASCII; no text in lower case has an upper case letter otherwise. */
export const OTHER = 'A';

const MOST_TEXTS = 40;
const LONGEST_TEXT = 8;
const MOST_PLACES = 100;
/** Whatever the program, it is not worth more than half a millisecond: what was found until then is good enough. */
const MOST_STEPS = 3000;

/** How many more instructions and texts may be looked at. */
interface Effort {
  left: number;
}

/** Long texts are rare ones. */
function worth(texts: readonly string[]): number {
  return Math.min(...texts.map((text) => text.length)) - texts.length / (2 * MOST_TEXTS);
}

/** The instructions that no way from the start to a match leaves out: all of them lie on the shortest one. */
function unavoidable(code: readonly Instruction[], start: number): number[] {
  const way = shortestWay(code, start);
  const positions = new Map(way.map((place, position) => [place, position]));
  const found: number[] = [];
  const beside = new Set<number>();
  // How far one gets from what lies before a position, without meeting the way in between.
  let furthest = 0;
  for (const [position, place] of way.entries()) {
    if (furthest <= position) found.push(place);
    if (found.length === MOST_PLACES) break;
    const open = [place];
    for (let one = open.pop(); one !== undefined; one = open.pop()) {
      for (const to of following(code[one]!)) {
        const further = positions.get(to);
        if (further !== undefined) furthest = Math.max(furthest, further);
        else if (!beside.has(to)) {
          beside.add(to);
          open.push(to);
        }
      }
    }
  }
  return found;
}

/** Empty when there is none. A program has one instruction that says it has matched. */
function shortestWay(code: readonly Instruction[], start: number): number[] {
  const cameFrom = new Map<number, number>([[start, -1]]);
  for (const place of cameFrom.keys()) {
    if (code[place]!.kind === 'match') {
      const way: number[] = [];
      for (let at = place; at >= 0; at = cameFrom.get(at)!) way.push(at);
      return way.reverse();
    }
    for (const to of following(code[place]!)) if (!cameFrom.has(to)) cameFrom.set(to, place);
  }
  return [];
}

function following(one: Instruction): readonly number[] {
  if (one.kind === 'match') return [];
  return one.kind === 'go' ? one.to : [one.to];
}

/** Texts with which everything begins that is read from a place on; null when nothing needs to be read there. */
function textsFrom(code: readonly Instruction[], place: number, effort: Effort): readonly string[] | null {
  let growing = new Map<string, ReadonlySet<number>>([['', new Set([place])]]);
  const finished = new Set<string>();
  while (growing.size > 0) {
    const longer = new Map<string, Set<number>>();
    const done: string[] = [];
    for (const [text, places] of growing) {
      const steps = text.length < LONGEST_TEXT ? stepsFrom(code, places, effort) : null;
      if (!steps) done.push(text);
      for (const [spelling, to] of steps ?? []) {
        const known = longer.get(text + spelling);
        if (known) known.add(to);
        else longer.set(text + spelling, new Set([to]));
      }
    }
    if (longer.size + finished.size + done.length > MOST_TEXTS) break;
    for (const text of done) finished.add(text);
    growing = longer;
  }
  const texts = [...finished, ...growing.keys()];
  return texts.includes('') ? null : texts;
}

/** What may be read next, and where that leads; null when it may be nothing at all, or too much. */
function stepsFrom(
  code: readonly Instruction[],
  places: ReadonlySet<number>,
  effort: Effort,
): [spelling: string, to: number][] | null {
  const steps: [string, number][] = [];
  const reached = new Set(places);
  for (const place of reached) {
    const one = code[place]!;
    if (one.kind === 'match' || --effort.left < 0) return null;
    if (one.kind !== 'read') {
      for (const to of following(one)) reached.add(to);
      continue;
    }
    const spellings = spellingsOf(one.ranges);
    if (!spellings || steps.length + spellings.size > MOST_TEXTS) return null;
    effort.left -= spellings.size;
    for (const spelling of spellings) steps.push([spelling, one.to]);
  }
  return steps;
}

/** How the JSON text of a string shows a character within the ranges; null when in too many ways. */
function spellingsOf(ranges: ArrayLike<number>): Set<string> | null {
  const spellings = new Set<string>();
  for (let i = 0; i < ranges.length; i += 2) {
    const first = ranges[i]!;
    const last = ranges[i + 1]!;
    if (Math.min(last, 127) - first >= SURELY_TOO_MANY) return null;
    for (let point = first; point <= Math.min(last, 127); point++) {
      const spelling = SPELLINGS[point]!;
      if (!spelling.startsWith('\\u')) spellings.add(spelling);
    }
    if (last > 127 && first <= 0xffff) spellings.add(OTHER);
    if (last > 0xffff) spellings.add(OTHER + OTHER);
    if (spellings.size > MOST_TEXTS) return null;
  }
  return spellings;
}

/** Of so many ASCII characters at least 40 look different. */
const SURELY_TOO_MANY = 100;

/** Of every ASCII character. */
const SPELLINGS = Array.from({ length: 128 }, (_, point) =>
  JSON.stringify(String.fromCharCode(point)).slice(1, -1).toLowerCase(),
);
