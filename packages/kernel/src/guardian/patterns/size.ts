/** How RE2JS keeps a parsed pattern: a tree in which a repeated part is not copied, but is in its place many times. */
export interface Tree {
  readonly op: number;
  readonly subs: readonly Tree[];
  readonly runes: ArrayLike<number>;
}

const [NO_MATCH, LITERAL, CHAR_CLASS, ANY_CHAR_NOT_NL, ANY_CHAR] = [0, 2, 3, 4, 5];
const [CAPTURE, STAR, PLUS, QUEST, CONCAT] = [12, 13, 14, 15, 17];

interface Part {
  readonly size: number;
  readonly mayBeEmpty: boolean;
  /** It can match nothing at all, not even the empty text. */
  readonly isVoid: boolean;
}

/**
 * How many instructions a pattern compiles to, told before it is compiled: counted repetitions make half a million of them
 * out of 500 characters, which would take a quarter of a second.
 */
export function compiledSize(tree: Tree): number {
  const known = new Map<Tree, Part>();
  const measure = (one: Tree): Part => {
    let part = known.get(one);
    if (!part) {
      part = one.subs.length === 0 ? leaf(one) : joined(one, measure);
      known.set(one, part);
    }
    return part;
  };
  // One that fails where all programs begin, and one that says that it has matched.
  return measure(tree).size + 2;
}

function leaf({ op, runes }: Tree): Part {
  if (op === NO_MATCH) return { size: 0, mayBeEmpty: false, isVoid: true };
  const reads = op === CHAR_CLASS || op === ANY_CHAR || op === ANY_CHAR_NOT_NL;
  const size = op === LITERAL ? Math.max(1, runes.length) : 1;
  return { size, mayBeEmpty: !reads && !(op === LITERAL && runes.length > 0), isVoid: false };
}

function joined({ op, subs }: Tree, measure: (sub: Tree) => Part): Part {
  const first = measure(subs[0]!);
  switch (op) {
    case CAPTURE:
      return { ...first, size: first.size + 2 };
    case STAR:
    case QUEST: {
      const own = op === STAR && first.mayBeEmpty && !first.isVoid ? 2 : 1;
      return { size: first.size + own, mayBeEmpty: true, isVoid: false };
    }
    case PLUS:
      return first.isVoid ? first : { ...first, size: first.size + 1 };
    default:
      return several(subs, measure, op === CONCAT);
  }
}

/** One after the other, or one of them. */
function several(subs: readonly Tree[], measure: (sub: Tree) => Part, inARow: boolean): Part {
  let size = 0;
  let voids = 0;
  let empties = 0;
  for (const sub of subs) {
    const part = measure(sub);
    size += part.size;
    if (part.isVoid) voids++;
    else if (part.mayBeEmpty) empties++;
  }
  if (inARow) return { size, mayBeEmpty: empties === subs.length, isVoid: voids > 0 };
  return {
    size: size + Math.max(0, subs.length - voids - 1),
    mayBeEmpty: empties > 0,
    isVoid: voids === subs.length,
  };
}
