import { Alphabet, isWord, PAIR } from './alphabet.ts';
import { Graph, type Places } from './graph.ts';
import * as on from './program.ts';

/**
 * All patterns of a policy at once, run over a text in one pass: a deterministic automaton that is built as far as texts
 * lead into it. A character costs one look into a table, unless its transition is met for the first time.
 *
 * The number of states can be exponential in the size of the patterns, so building is what an attacker would make us do.
 * Therefore every search has a budget of work. It is charged for each transition the search itself meets for the first
 * time, whether or not the table has it from an earlier one: what a search finds, or that it gives up, depends on the
 * patterns and the text alone.
 */
export class Automaton {
  readonly #alphabet: Alphabet;
  readonly #graph: Graph;
  /** What every program begins with: a match may begin at every character. */
  readonly #starts: Places;
  readonly #startsAssert: boolean;
  /** Where the starts lead, by column and what came before. */
  readonly #fresh: (Fresh | undefined)[] = [];

  /** A column per class, and one for the end of the text. */
  readonly #columns: number;
  /**
   * The transitions by state and column. A row has as many pages as its columns need, and a page is made when one of its
   * columns is met: with thousands of classes whole rows would be mostly empty, and take long to make.
   */
  readonly #pagesInRow: number;
  #pages = new Int32Array(0);
  #entries = 0;
  #next = new Int32Array(0);
  /** What building each transition took, and the last search that was charged for it. */
  #cost = new Int32Array(0);
  #charged = new Int32Array(0);
  #states: State[] = [];
  /** The states by a hash of what they are. */
  #known = new Map<number, State>();
  /** The patterns that have matched when a transition is taken, for the few transitions of which that is true. */
  #matched = new Map<number, readonly number[]>();
  /** How many places and matches the states and transitions hold. */
  #held = 0;

  #search = 0;
  #left = 0;

  constructor(programs: readonly on.Program[]) {
    this.#alphabet = new Alphabet(programs);
    this.#columns = this.#alphabet.size + 1;
    this.#pagesInRow = Math.ceil(this.#columns / PAGE);
    this.#graph = new Graph(programs);
    this.#starts = this.#graph.follow(this.#graph.starts, null);
    this.#startsAssert = this.#graph.someAssert(this.#starts);
  }

  /** What is left of the work that this search may take. */
  get left(): number {
    return Math.max(0, this.#left);
  }

  /** Begins to search the texts of one task, with what work they may take together. */
  begin(budget: number): void {
    const full = this.#entries > MOST_ENTRIES || this.#pages.length > MOST_ENTRIES || this.#held > MOST_HELD;
    if (full || this.#search === MOST_SEARCHES || this.#states.length === 0) this.#forget();
    this.#search++;
    this.#left = budget;
  }

  /**
   * Searches one more text.
   * @param found is told which pattern matches, and where its first match ends, in UTF-16 code units; perhaps repeatedly
   * @param first where in `text` the one to search begins, and `end` where it ends
   * @returns false when the budget is used up, and the text was not searched to its end
   */
  search(text: string, found: (pattern: number, end: number) => void, first = 0, end = text.length): boolean {
    this.#left -= end - first + PER_TEXT;
    if (this.#left < 0) return false;
    const ofUnit = this.#alphabet.ofUnit;
    let pages = this.#pages;
    let charged = this.#charged;
    let next = this.#next;
    let row = 0;
    for (let i = first; i <= end; i++) {
      let column = i === end ? this.#columns - 1 : ofUnit[text.charCodeAt(i)]!;
      const at = i;
      if (column === PAIR) {
        const point = text.codePointAt(i)!;
        column = this.#alphabet.of(point);
        if (point > 0xffff) i++;
      }
      let entry = pages[row + (column >> PAGE_BITS)]! + (column & IN_PAGE);
      if (charged[entry] !== this.#search) {
        if (!this.#charge(row, column)) return false;
        pages = this.#pages;
        entry = pages[row + (column >> PAGE_BITS)]! + (column & IN_PAGE);
        for (const pattern of this.#matched.get(entry) ?? NONE) found(pattern, at - first);
        charged = this.#charged;
        next = this.#next;
      }
      row = next[entry]!;
    }
    return true;
  }

  #charge(row: number, column: number): boolean {
    const entry = this.#entryOf(row, column);
    const state = this.#states[row / this.#pagesInRow]!;
    const fresh = this.#freshFor(state.before, column);
    if (fresh.charged !== this.#search) this.#left -= fresh.cost;
    fresh.charged = this.#search;
    if (this.#cost[entry] === 0) this.#build(state, fresh, column, entry);
    this.#left -= this.#cost[entry]!;
    this.#charged[entry] = this.#search;
    return this.#left >= 0;
  }

  #build(state: State, fresh: Fresh, column: number, entry: number): void {
    const point = this.#pointOf(column);
    const before = this.#graph.visits;
    const { beyond, matches } = this.#read(state, column);
    for (const place of fresh.beyond) beyond.push(place);
    const target = this.#state(this.#graph.follow(beyond, null), kindOf(point));
    if (matches.length > 0 || fresh.matches.length > 0) {
      // The order of a state's places is that of the search which made it, and nothing else may follow from that.
      const all = [...new Set([...matches, ...fresh.matches])].sort((a, b) => a - b);
      this.#matched.set(entry, all);
      this.#held += all.length;
    }
    this.#next[entry] = target.row;
    this.#cost[entry] = PER_TRANSITION + PER_VISIT * (this.#graph.visits - before) + (this.#columns >> 1);
  }

  #freshFor(before: Before, column: number): Fresh {
    const index = 4 * column + before;
    let fresh = this.#fresh[index];
    if (!fresh) {
      const visits = this.#graph.visits;
      const read = this.#read({ places: this.#starts, asserts: this.#startsAssert, before }, column);
      fresh = { ...read, cost: PER_VISIT * (this.#graph.visits - visits), charged: 0 };
      this.#fresh[index] = fresh;
    }
    return fresh;
  }

  /** One character of this class is read, or the end of the text met. */
  #read({ places, asserts, before }: Pick<State, 'places' | 'asserts' | 'before'>, column: number): Read {
    const point = this.#pointOf(column);
    const reached = asserts ? this.#graph.follow(places, flagsBetween(before, point)) : places;
    return this.#graph.read(reached, point);
  }

  /** A character of the class that a column is for; null for the end of the text. */
  #pointOf(column: number): number | null {
    return column === this.#columns - 1 ? null : this.#alphabet.sample(column);
  }

  /** The state of these places, which is made if there is none yet. */
  #state(places: Places, before: Before): State {
    const asserts = this.#graph.someAssert(places);
    // Only assertions look back.
    const seen: Before = asserts || this.#startsAssert ? before : OTHER;
    let hash: number = seen;
    for (const place of places) hash = (hash + scattered(place)) | 0;
    const alike = this.#known.get(hash);
    for (let one = alike; one; one = one.alike) {
      if (one.before === seen && this.#graph.wereReached(one.places, places.length)) return one;
    }
    const row = this.#states.length * this.#pagesInRow;
    const state: State = { row, places, asserts, before: seen, alike };
    this.#states.push(state);
    this.#known.set(hash, state);
    this.#held += places.length;
    this.#pages = grown(this.#pages, row + this.#pagesInRow);
    return state;
  }

  /** Where a transition is kept; makes the page if there is none yet. */
  #entryOf(row: number, column: number): number {
    const page = row + (column >> PAGE_BITS);
    if (this.#pages[page] === NO_PAGE) {
      this.#pages[page] = this.#entries;
      this.#entries += PAGE;
      this.#next = grown(this.#next, this.#entries);
      this.#cost = grown(this.#cost, this.#entries);
      this.#charged = grown(this.#charged, this.#entries);
    }
    return this.#pages[page]! + (column & IN_PAGE);
  }

  /** Begins anew with the state before the first character, in which no match is under way. */
  #forget(): void {
    this.#states = [];
    this.#known = new Map();
    this.#matched = new Map();
    this.#held = 0;
    this.#pages = new Int32Array(0);
    // The first page belongs to no row, and nothing is ever charged in it.
    this.#entries = PAGE;
    this.#next = new Int32Array(PAGE);
    this.#cost = new Int32Array(PAGE);
    this.#charged = new Int32Array(PAGE);
    this.#search = 0;
    for (const fresh of this.#fresh) if (fresh) fresh.charged = 0;
    this.#state(this.#graph.follow([], null), BEGIN);
  }
}

/**
 * A set of places in the programs where matches are under way, and what came before: all that the past means for what may
 * follow. A match that begins only now is in every state, and so in none.
 */
interface State {
  readonly row: number;
  readonly places: Places;
  /** Whether some of the places are assertions. */
  readonly asserts: boolean;
  readonly before: Before;
  /** Another state with the same hash. */
  readonly alike: State | undefined;
}

/** Where one character leads, and which patterns have matched before it. */
interface Read {
  readonly beyond: number[];
  readonly matches: number[];
}

interface Fresh extends Read {
  readonly cost: number;
  /** The last search that was charged for it. */
  charged: number;
}

type Before = 0 | 1 | 2 | 3;
const OTHER = 0;
const BEGIN = 1;
const LINE_FEED = 2;
const WORD = 3;

/** What one text, one visit to an instruction and one new transition cost, in units of a character read. */
const PER_TEXT = 4;
const PER_VISIT = 4;
const PER_TRANSITION = 250;
/** How many columns a page has. */
const PAGE_BITS = 5;
const PAGE = 1 << PAGE_BITS;
const IN_PAGE = PAGE - 1;
const NO_PAGE = 0;

/** Beyond these the table is emptied before the next search. */
const MOST_ENTRIES = 1_000_000;
const MOST_HELD = 1_000_000;
/** Searches are numbered within 32 bits. */
const MOST_SEARCHES = 2 ** 31 - 1;

const NONE: readonly number[] = [];

function kindOf(point: number | null): Before {
  if (point === 10) return LINE_FEED;
  return point !== null && isWord(point) ? WORD : OTHER;
}

/** Which conditions hold between what came before and the next character; null is the end of the text. */
function flagsBetween(before: Before, point: number | null): number {
  let flags = (before === WORD) === (kindOf(point) === WORD) ? on.NO_WORD_BOUNDARY : on.WORD_BOUNDARY;
  if (before === BEGIN) flags |= on.BEGIN_TEXT | on.BEGIN_LINE;
  if (before === LINE_FEED) flags |= on.BEGIN_LINE;
  if (point === null) flags |= on.END_TEXT | on.END_LINE;
  if (point === 10) flags |= on.END_LINE;
  return flags;
}

/** A number far from those of the neighbours; they are added up, so that the order of the places is of no account. */
function scattered(place: number): number {
  const once = Math.imul(place + 1, 0x9e3779b1);
  const twice = Math.imul(once ^ (once >>> 15), 0x85ebca6b);
  return Math.imul(twice ^ (twice >>> 13), 0xc2b2ae35) ^ (twice >>> 16);
}

function grown(array: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  if (size <= array.length) return array;
  const larger = new Int32Array(Math.max(size, 2 * array.length));
  larger.set(array);
  return larger;
}
