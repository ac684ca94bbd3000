import type { Program } from './program.ts';

export type Places = readonly number[];

/** The instructions of several programs in one row. Sets of places in it are what an automaton's states are made of. */
export class Graph {
  /** Where every program begins. */
  readonly starts: readonly number[];
  /** How many instructions have been looked at: the measure of all work done here. */
  visits = 0;

  readonly #kind: Uint8Array;
  /** Where an instruction leads, and where else; -1 for nowhere. */
  readonly #to: Int32Array;
  readonly #orTo: Int32Array;
  readonly #flags: Uint8Array;
  readonly #ranges: (ArrayLike<number> | null)[] = [];
  readonly #patternOf: Int32Array;

  /** Scratch space. */
  readonly #stack: Int32Array;
  readonly #marks: Uint32Array;
  #mark = 0;

  constructor(programs: readonly Program[]) {
    const size = programs.reduce((sum, { instructions }) => sum + instructions.length, 0);
    this.#kind = new Uint8Array(size);
    this.#to = new Int32Array(size).fill(-1);
    this.#orTo = new Int32Array(size).fill(-1);
    this.#flags = new Uint8Array(size);
    this.#patternOf = new Int32Array(size);
    this.#stack = new Int32Array(3 * size);
    this.#marks = new Uint32Array(size);
    let offset = 0;
    this.starts = programs.map((program, pattern) => {
      const start = program.start + offset;
      this.#add(program, pattern, offset);
      offset += program.instructions.length;
      return start;
    });
  }

  #add({ instructions }: Program, pattern: number, offset: number): void {
    for (const [index, one] of instructions.entries()) {
      const place = offset + index;
      this.#patternOf[place] = pattern;
      this.#ranges.push(one.kind === 'read' ? one.ranges : null);
      if (one.kind === 'go') {
        this.#kind[place] = GO;
        const [to, orTo] = one.to;
        if (to !== undefined) this.#to[place] = to + offset;
        if (orTo !== undefined) this.#orTo[place] = orTo + offset;
      } else if (one.kind === 'match') {
        this.#kind[place] = MATCH;
      } else {
        this.#kind[place] = one.kind === 'read' ? READ : ASSERT;
        this.#to[place] = one.to + offset;
        if (one.kind === 'assert') this.#flags[place] = one.flags;
      }
    }
  }

  /**
   * The instructions that are reached without reading: those that read or match. Assertions are followed where the flags
   * say that they hold; as long as the next character is not known (null), they are kept.
   */
  follow(places: readonly number[], flags: number | null): Places {
    const mark = this.#nextMark();
    const stack = this.#stack;
    const reached: number[] = [];
    for (let i = 0; i < places.length; i++) {
      let height = 0;
      stack[height++] = places[i]!;
      while (height > 0) {
        const place = stack[--height]!;
        if (place < 0 || this.#marks[place] === mark) continue;
        this.#marks[place] = mark;
        this.visits++;
        const kind = this.#kind[place];
        if (kind === GO) {
          stack[height++] = this.#orTo[place]!;
          stack[height++] = this.#to[place]!;
        } else if (kind !== ASSERT || flags === null) {
          reached.push(place);
        } else if ((this.#flags[place]! & ~flags) === 0) {
          stack[height++] = this.#to[place]!;
        }
      }
    }
    return reached;
  }

  /** Whether the last `follow`, which reached so many places, has reached exactly these. */
  wereReached(places: Places, count: number): boolean {
    if (places.length !== count) return false;
    for (const place of places) if (this.#marks[place] !== this.#mark) return false;
    return true;
  }

  /** What a character leads to from these places, and which patterns have matched; null is the end of the text. */
  read(places: Places, point: number | null): { beyond: number[]; matches: number[] } {
    const beyond: number[] = [];
    const matches: number[] = [];
    this.visits += places.length;
    for (const place of places) {
      // A program says in one place that it has matched.
      if (this.#kind[place] === MATCH) matches.push(this.#patternOf[place]!);
      else if (point !== null && accepts(this.#ranges[place]!, point)) {
        beyond.push(this.#to[place]!);
      }
    }
    return { beyond, matches };
  }

  /** Whether some of these places are assertions. */
  someAssert(places: Places): boolean {
    for (const place of places) if (this.#kind[place] === ASSERT) return true;
    return false;
  }

  #nextMark(): number {
    if (++this.#mark > 0xffffffff) {
      this.#marks.fill(0);
      this.#mark = 1;
    }
    return this.#mark;
  }
}

const GO = 0;
const ASSERT = 1;
const READ = 2;
const MATCH = 3;

function accepts(ranges: ArrayLike<number>, point: number): boolean {
  let low = 0;
  let high = ranges.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ranges[2 * middle + 1]! < point) low = middle + 1;
    else high = middle;
  }
  return 2 * low < ranges.length && ranges[2 * low]! <= point;
}
