import { withoutHeaps } from '../heaped.ts';

/**
 * Texts as hashed n-grams: what is left when there is no model. It knows nothing of meaning, but finds what is written
 * alike: the same words, other forms of them, and words with a slip of the pen.
 *
 * A text is taken apart into features: its words, pairs of neighbours, and the 3 to 5 characters that stand together in
 * each word, its ends marked. Each feature is hashed to one of the vector's places and to a sign, so that those which
 * meet there cancel out as often as they add up. A feature that comes n times counts √n: a square root is the same on
 * every machine, which a logarithm need not be.
 *
 * Where a script puts no spaces between words, characters and pairs of them stand for words.
 *
 * Whatever changes the vectors must change `NGRAMS_MODEL`, too.
 */
export const NGRAMS_MODEL = 'ngrams:1';
export const NGRAMS_DIMENSION = 512;

/** What comes behind that many characters is left out: the vector of a book resembles that of any other book. */
const LONGEST = 16_384;
const SHORTEST_GRAM = 3;
const LONGEST_GRAM = 5;
const WORD_WEIGHT = 1;
const PAIR_WEIGHT = 0.5;
const GRAM_WEIGHT = 0.5;
/** By how many characters it has: in every language the words that are everywhere, and tell nothing, are short. */
const SHORT_WORDS = [0, 0.2, 0.2, 0.3, 0.6];

const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+|[^\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]+/gu;
const IS_UNSPACED = /^[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** What kind of feature it is goes into its hash, so that a word and the same characters within one are two things. */
const WORD_KIND = 1;
const PAIR_KIND = 2;
const GRAM_KIND = 3;
const REST_KIND = 4;

/** The vector of a text, of length 1. Of an empty text it is that of nothing, which resembles no other. */
export function ngramVector(text: string): Float32Array {
  const features = new Features();
  const folded = fold(text);
  const words = wordsOf(folded);
  let before = 0;
  for (const [at, word] of words.entries()) {
    const tells = tellingness(word);
    features.add(WORD_KIND, word, WORD_WEIGHT * tells);
    if (at > 0) features.add(PAIR_KIND, `${words[at - 1]} ${word}`, PAIR_WEIGHT * Math.max(before, tells));
    features.addGrams(word, GRAM_WEIGHT * tells);
    before = tells;
  }
  // Nothing but signs: they are all there is to tell it by.
  if (words.length === 0) for (const sign of folded.trim()) features.add(REST_KIND, sign, WORD_WEIGHT);
  return features.vector(folded);
}

/** Upper case first, so that `ß` and `ss` are the same; composed again, since folding may take things apart. */
function fold(text: string): string {
  return withoutHeaps(text.slice(0, LONGEST).toWellFormed())
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .slice(0, 2 * LONGEST);
}

function wordsOf(folded: string): string[] {
  return (folded.match(WORD) ?? []).flatMap((run) => (run.match(UNSPACED) ?? []).flatMap(partsOf));
}

function partsOf(run: string): string[] {
  if (!IS_UNSPACED.test(run)) return [run];
  const signs = [...run];
  return signs.flatMap((sign, at) => (at === 0 ? [sign] : [`${signs[at - 1]}${sign}`, sign]));
}

/** Numbers are short and tell much, and so do the characters of scripts without spaces. */
function tellingness(word: string): number {
  return /\p{N}/u.test(word) || IS_UNSPACED.test(word) ? 1 : (SHORT_WORDS[word.length] ?? 1);
}

class Features {
  /** By hash, which is as good as the feature itself: of 10,000 features about one meets another. */
  readonly #counts = new Map<number, { times: number; readonly weight: number }>();

  add(kind: number, feature: string, weight: number): void {
    this.#count(finish(hashText(seed(kind), feature)), weight);
  }

  /** The characters of a word that stand together, with its ends marked: `<cat>` has `<ca`, `cat>` and so on. */
  addGrams(word: string, weight: number): void {
    const signs = [...`<${word}>`];
    for (let from = 0; from + SHORTEST_GRAM <= signs.length; from++) {
      let hash = seed(GRAM_KIND);
      for (let length = 1; length <= LONGEST_GRAM && from + length <= signs.length; length++) {
        hash = hashText(hash, signs[from + length - 1]!);
        if (length >= SHORTEST_GRAM) this.#count(finish(hash), weight);
      }
    }
  }

  #count(hash: number, weight: number): void {
    const known = this.#counts.get(hash);
    if (known) known.times += 1;
    else this.#counts.set(hash, { times: 1, weight });
  }

  vector(folded: string): Float32Array {
    const sums = new Float64Array(NGRAMS_DIMENSION);
    for (const [hash, { times, weight }] of this.#counts) {
      sums[hash % NGRAMS_DIMENSION]! += (hash >= 0x8000_0000 ? -weight : weight) * Math.sqrt(times);
    }
    let squares = 0;
    for (const sum of sums) squares += sum * sum;
    // No feature, or they have cancelled each other out to the last.
    if (squares === 0) {
      sums[finish(hashText(seed(REST_KIND), folded)) % NGRAMS_DIMENSION] = 1;
      squares = 1;
    }
    const length = Math.sqrt(squares);
    return Float32Array.from(sums, (sum) => sum / length);
  }
}

const PRIME = 0x0100_0193;

function seed(kind: number): number {
  return Math.imul(0x811c_9dc5 ^ kind, PRIME);
}

/** FNV-1a over the text's UTF-8, going on from `hash`. */
function hashText(hash: number, text: string): number {
  let h = hash;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at)!;
    if (point > 0xffff) at += 1;
    if (point < 0x80) {
      h = Math.imul(h ^ point, PRIME);
    } else if (point < 0x800) {
      h = Math.imul(h ^ (0xc0 | (point >> 6)), PRIME);
      h = Math.imul(h ^ (0x80 | (point & 63)), PRIME);
    } else {
      if (point > 0xffff) {
        h = Math.imul(h ^ (0xf0 | (point >> 18)), PRIME);
        h = Math.imul(h ^ (0x80 | ((point >> 12) & 63)), PRIME);
      } else {
        h = Math.imul(h ^ (0xe0 | (point >> 12)), PRIME);
      }
      h = Math.imul(h ^ (0x80 | ((point >> 6) & 63)), PRIME);
      h = Math.imul(h ^ (0x80 | (point & 63)), PRIME);
    }
  }
  return h;
}

/** The last step of MurmurHash3: after it, each bit of the hash depends on all of the text. */
function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
