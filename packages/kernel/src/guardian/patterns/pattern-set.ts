import { Automaton } from './automaton.ts';
import { AMBIGUOUS, Keywords } from './keywords.ts';
import { requiredLiterals } from './literals.ts';
import type { Program } from './program.ts';
import type { Pattern } from './sources.ts';
import { type Place, placesOf, unescaped, visitTexts } from './texts.ts';

/** What patterns look at: what the submitter wrote and a worker, or whoever reads a list of tasks, acts upon. */
export const SEARCHED_FIELDS = ['description', 'payload', 'constraints', 'tags', 'requirements', 'created_by'] as const;
const SEARCHED: ReadonlySet<string> = new Set(SEARCHED_FIELDS);

/**
 * How much work the search of one task may take, in about the time it takes to read a character. A text of n characters
 * costs n + 4; what else there is pays for building the automaton.
 */
export const SEARCH_BUDGET = 3_000_000;

/** Where a pattern matched first. */
export interface Hit {
  readonly pattern: number;
  readonly place: Place;
  /** How many UTF-16 code units of the text come before the end of the match. */
  readonly end: number;
}

export interface Findings {
  /** Patterns that match, each once. */
  readonly hits: readonly Hit[];
  /** The text in which the budget ran out, so that nothing is known of what follows; null when all was searched. */
  readonly unsearched: Place | null;
}

const NOTHING: Findings = { hits: [], unsearched: null };

/** The patterns of a policy, which are looked for together. */
export class PatternSet {
  readonly #automaton: Automaton;
  /** Null when some pattern may match whatever the text holds. */
  readonly #keywords: Keywords | null;

  /** What the last search took, in the units of the budget, and reading the JSON text with it. */
  work = 0;

  static of(patterns: readonly Pattern[]): PatternSet {
    return new PatternSet(
      patterns.map(({ program }) => program),
      patterns.map(({ literals }) => literals),
    );
  }

  /** @param literals what `requiredLiterals` says of each program */
  constructor(programs: readonly Program[], literals = programs.map(requiredLiterals)) {
    this.#automaton = new Automaton(programs);
    this.#keywords = keywordsOf(literals);
  }

  /** @param json the task's JSON text, which tells in most cases that there is nothing to find */
  search(json: string, budget: number = SEARCH_BUDGET): Findings {
    this.work = json.length;
    return this.mayMatch(json) ? this.searchAll(json, budget) : NOTHING;
  }

  /** False only when no pattern matches in any string of this JSON text. */
  mayMatch(json: string): boolean {
    return this.#keywords === null || this.#keywords.mayOccurIn(json);
  }

  searchAll(json: string, budget: number): Findings {
    const found: { readonly pattern: number; readonly begin: number; readonly end: number }[] = [];
    const seen = new Set<number>();
    let unsearched: number | null = null;
    let begin = 0;
    const onMatch = (pattern: number, end: number) => {
      if (seen.has(pattern)) return;
      seen.add(pattern);
      found.push({ pattern, begin, end });
    };
    this.#automaton.begin(budget);
    visitTexts(json, SEARCHED, (first, end, isEscaped) => {
      begin = first;
      const text = isEscaped ? unescaped(json, first, end) : json;
      const isSearched = isEscaped
        ? this.#automaton.search(text, onMatch)
        : this.#automaton.search(text, onMatch, first, end);
      if (!isSearched) unsearched = first;
      return isSearched;
    });
    this.work = json.length + budget - this.#automaton.left;
    if (found.length === 0 && unsearched === null) return NOTHING;
    const places = placesOf(json, [...found.map((one) => one.begin), ...(unsearched === null ? [] : [unsearched])]);
    return {
      hits: found.map(({ pattern, end }, index) => ({ pattern, place: places[index]!, end })),
      unsearched: unsearched === null ? null : places.at(-1)!,
    };
  }
}

function keywordsOf(required: readonly (readonly string[] | null)[]): Keywords | null {
  const literals = new Set(AMBIGUOUS);
  let characters = 0;
  for (const some of required) {
    if (some === null) return null;
    for (const literal of some) {
      literals.add(literal);
      characters += literal.length;
    }
    if (characters > MOST_CHARACTERS) return null;
  }
  return new Keywords(literals);
}

/** Each takes half a kilobyte in the table of `Keywords`. */
const MOST_CHARACTERS = 16_384;
