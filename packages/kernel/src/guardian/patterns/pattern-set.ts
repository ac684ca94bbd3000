import type { Json } from '../../core/json.ts';
import type { TaskSpec } from '../../core/task.ts';
import { Automaton } from './automaton.ts';
import { AMBIGUOUS, Keywords } from './keywords.ts';
import { requiredLiterals } from './literals.ts';
import type { Program } from './program.ts';
import { type Place, visitTexts } from './texts.ts';

/** What patterns look at: what the submitter wrote and a worker, or whoever reads a list of tasks, acts upon. */
export const SEARCHED_FIELDS = ['description', 'payload', 'constraints', 'tags', 'requirements', 'created_by'] as const;

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

  constructor(programs: readonly Program[]) {
    this.#automaton = new Automaton(programs);
    this.#keywords = keywordsOf(programs);
  }

  /** @param json the task's JSON text, which tells in most cases that there is nothing to find */
  search(spec: TaskSpec, json: string, budget: number = SEARCH_BUDGET): Findings {
    return this.mayMatch(json) ? this.searchAll(spec, budget) : NOTHING;
  }

  /** False only when no pattern matches in any string of this JSON text. */
  mayMatch(json: string): boolean {
    return this.#keywords === null || this.#keywords.mayOccurIn(json);
  }

  searchAll(spec: TaskSpec, budget: number): Findings {
    const hits = new Map<number, Hit>();
    let unsearched: Place | null = null;
    let where!: () => Place;
    const found = (pattern: number, end: number) => {
      if (!hits.has(pattern)) hits.set(pattern, { pattern, place: where(), end });
    };
    const visit = (text: string, place: () => Place): boolean => {
      where = place;
      if (this.#automaton.search(text, found)) return true;
      unsearched = place();
      return false;
    };
    this.#automaton.begin(budget);
    SEARCHED_FIELDS.every((field) => visitTexts(spec[field] as Json, `/${field}`, visit));
    return { hits: [...hits.values()], unsearched };
  }
}

function keywordsOf(programs: readonly Program[]): Keywords | null {
  const literals = new Set(AMBIGUOUS);
  let characters = 0;
  for (const program of programs) {
    const required = requiredLiterals(program);
    if (required === null) return null;
    for (const literal of required) {
      literals.add(literal);
      characters += literal.length;
    }
    if (characters > MOST_CHARACTERS) return null;
  }
  return new Keywords(literals);
}

/** Each takes half a kilobyte in the table of `Keywords`. */
const MOST_CHARACTERS = 16_384;
