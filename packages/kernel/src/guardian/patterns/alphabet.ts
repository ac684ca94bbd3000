import { LAST_CODE_POINT, type Program } from './program.ts';

/**
 * The characters, sorted into classes that no instruction of the programs tells apart, so that a table needs one column
 * for each class and not for each of a million characters.
 */
export class Alphabet {
  /** The first code point of each class's ranges, ascending, and the class it belongs to. */
  readonly #starts: readonly number[];
  /** The class of every UTF-16 code unit, `PAIR` where the next unit may belong to it. */
  readonly ofUnit: Uint16Array;
  readonly size: number;

  constructor(programs: readonly Program[]) {
    const bounds = new Set<number>([0]);
    const separate = (first: number, last: number) => bounds.add(first).add(last + 1);
    for (const { instructions } of programs) {
      for (const one of instructions) {
        if (one.kind !== 'read') continue;
        for (let i = 0; i < one.ranges.length; i += 2) separate(one.ranges[i]!, one.ranges[i + 1]!);
      }
    }
    for (const [first, last] of LINE_AND_WORD) separate(first, last);
    bounds.delete(LAST_CODE_POINT + 1);
    this.#starts = [...bounds].sort((a, b) => a - b);
    this.size = this.#starts.length;
    this.ofUnit = new Uint16Array(0x10000);
    for (const [index, start] of this.#starts.entries()) {
      if (start <= 0xffff) this.ofUnit.fill(index, start, this.#starts[index + 1] ?? 0x10000);
    }
    this.ofUnit.fill(PAIR, FIRST_HIGH, LAST_HIGH + 1);
  }

  /** The class of a code point, whatever it is. */
  of(point: number): number {
    let low = 0;
    let high = this.size;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= point) low = middle;
      else high = middle;
    }
    return low;
  }

  /** One character of a class, which speaks for all of them. */
  sample(index: number): number {
    return this.#starts[index]!;
  }
}

/** Beyond every class: how many there are is bounded by the size of a policy's programs. */
export const PAIR = 0xffff;
const FIRST_HIGH = 0xd800;
const LAST_HIGH = 0xdbff;

/** What assertions ask about: line feed, digits, letters, underscore. */
const LINE_AND_WORD = [
  [10, 10],
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
] as const;

export function isWord(point: number): boolean {
  return LINE_AND_WORD.slice(1).some(([first, last]) => point >= first && point <= last);
}
