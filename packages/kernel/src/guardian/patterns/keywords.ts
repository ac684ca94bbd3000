import { OTHER } from './literals.ts';

/**
 * Looks for many literals at once in a JSON text, in one pass over it (Aho and Corasick's automaton). Case is ignored,
 * and all that is not ASCII looks alike.
 */
export class Keywords {
  /** For each node and each of 128 symbols the next node, times 128; `HIT` once a literal is complete. */
  readonly #next: Uint32Array;

  /** @param literals spelled as `literals.ts` does */
  constructor(literals: Iterable<string>) {
    const { next, hits } = trieOf(literals);
    const nodes = next.length;
    const table = new Uint32Array(nodes * SYMBOLS);
    const fallback = new Uint32Array(nodes);
    // Nodes are numbered by depth only along each literal, so they are visited breadth first.
    const queue = [0];
    for (const node of queue) {
      for (let symbol = 0; symbol < SYMBOLS; symbol++) {
        const child = next[node]!.get(symbol);
        const elsewhere = node === 0 ? 0 : table[fallback[node]! * SYMBOLS + symbol]!;
        if (child === undefined) {
          table[node * SYMBOLS + symbol] = elsewhere;
        } else if (hits.has(child) || elsewhere === HIT) {
          table[node * SYMBOLS + symbol] = HIT;
        } else {
          table[node * SYMBOLS + symbol] = child * SYMBOLS;
          fallback[child] = elsewhere / SYMBOLS;
          queue.push(child);
        }
      }
    }
    this.#next = table;
  }

  /** Whether one of the literals may stand in a string of this JSON text. It may say yes in error, never no. */
  mayOccurIn(json: string): boolean {
    const next = this.#next;
    let node = 0;
    for (let i = 0; i < json.length; i++) {
      const unit = json.charCodeAt(i);
      node = next[node + (unit < 128 ? LOWER[unit]! : OTHER_SYMBOL)]!;
      if (node === HIT) return true;
    }
    return false;
  }
}

/** What JSON may write in more ways than one (`\u0041`, `\/`): where it does, nothing is ruled out. */
export const AMBIGUOUS = ['\\u', '\\/'];

const SYMBOLS = 128;
const HIT = 0xffffffff;
const OTHER_SYMBOL = OTHER.charCodeAt(0);
const LOWER = Uint8Array.from({ length: 128 }, (_, unit) => (unit >= 65 && unit <= 90 ? unit + 32 : unit));

function trieOf(literals: Iterable<string>): { next: readonly Map<number, number>[]; hits: ReadonlySet<number> } {
  const next = [new Map<number, number>()];
  const hits = new Set<number>();
  for (const literal of literals) {
    let node = 0;
    for (let i = 0; i < literal.length; i++) {
      const symbol = literal.charCodeAt(i);
      let child = next[node]!.get(symbol);
      if (child === undefined) {
        child = next.length;
        next[node]!.set(symbol, child);
        next.push(new Map());
      }
      node = child;
    }
    hits.add(node);
  }
  return { next, hits };
}
