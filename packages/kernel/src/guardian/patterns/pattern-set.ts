import type { Json } from '../../core/json.ts';
import type { TaskSpec } from '../../core/task.ts';
import { Automaton } from './automaton.ts';
import { AMBIGUOUS, Keywords } from './keywords.ts';
import { requiredLiterals } from './literals.ts';
import type { Program } from './program.ts';
import type { Pattern } from './sources.ts';
import { type Place, placesOf, unescaped, visitTexts, visitValues } from './texts.ts';

/** What patterns look at, in the order of a task's JSON text: what the submitter wrote and a worker, or whoever reads a list of tasks, acts upon. */
export const SEARCHED_FIELDS = ['description', 'payload', 'requirements', 'constraints', 'tags', 'created_by'] as const;
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
  search(spec: TaskSpec, json: string, budget: number = SEARCH_BUDGET): Findings {
    this.work = json.length;
    return this.mayMatch(json) ? this.searchAll(spec, json, budget) : NOTHING;
  }

  /** False only when no pattern matches in any string of this JSON text. */
  mayMatch(json: string): boolean {
    return this.#keywords === null || this.#keywords.mayOccurIn(json);
  }

  searchAll(spec: TaskSpec, json: string, budget: number): Findings {
    const automaton = this.#automaton;
    /** By their patterns. */
    let found = null as Map<number, Found> | null;
    /** How many texts were searched to their ends. */
    let searched = 0;
    const onMatch = (pattern: number, end: number) => {
      found ??= new Map();
      if (!found.has(pattern)) found.set(pattern, { pattern, text: searched, end });
    };
    const visit = (text: string, first?: number, end?: number): boolean => {
      if (!automaton.search(text, onMatch, first, end)) return false;
      searched++;
      return true;
    };
    automaton.begin(budget);
    const isDone =
      json.length < SMALL
        ? SEARCHED_FIELDS.every((field) => visitValues(spec[field] as Json, visit))
        : visitTexts(json, SEARCHED, (first, end, isEscaped) =>
            isEscaped ? visit(unescaped(json, first, end)) : visit(json, first, end),
          );
    this.work = json.length + budget - automaton.left;
    if (found === null && isDone) return NOTHING;
    return findings(json, found === null ? [] : [...found.values()], isDone ? null : searched);
  }
}

/** A match, in the how manieth of the texts. */
interface Found {
  readonly pattern: number;
  readonly text: number;
  readonly end: number;
}

function findings(json: string, found: readonly Found[], unsearched: number | null): Findings {
  const texts = found.map(({ text }) => text);
  const places = placesOf(json, SEARCHED, unsearched === null ? texts : [...texts, unsearched]);
  return {
    hits: found.map(({ pattern, end }, index) => ({ pattern, place: places[index]!, end })),
    unsearched: unsearched === null ? null : places.at(-1)!,
  };
}

/** Longer JSON texts are read, shorter ones need not be. */
const SMALL = 4096;

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
