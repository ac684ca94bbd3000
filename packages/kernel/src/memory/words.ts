import { withoutHeaps } from './heaped.ts';
import { telling } from './stop-words.ts';

/**
 * What a text is searched by. Words are told apart as people of many languages expect it: case and accents do not count
 * ("Straße" is "STRASSE", "cafe" is "café"), full-width letters are letters, an emoji is a word. Of scripts that are written
 * without spaces each character counts as a word, and each pair of neighbours. Nothing is stemmed: which endings mean the same
 * is another matter in every language, and embeddings know it better.
 */

/** Longer ones are known by their beginning. */
const LONGEST = 64;
/** More words than these of one question are not looked for. */
const MOST_WANTED = 32;
/** Nor are more than these looked at. */
const MOST_READ = 256;

const ASCII = /^[\x20-\x7e\s]*$/;
const ASCII_WORD = /[a-z0-9]+/g;
const WORD = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu;
const MARKS = /[\u0300-\u036f]/g;
const UNSPACED = '\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}';
const HAS_UNSPACED = new RegExp(`[${UNSPACED}]`, 'u');
const PARTS = new RegExp(`[${UNSPACED}]+|[^${UNSPACED}]+`, 'gu');

/** All words of a text, in its order. */
export function wordsOf(text: string): string[] {
  return [...eachWordOf(text)];
}

/** The same, one after the other: a long text may have hundreds of thousands. */
export function* eachWordOf(text: string): Generator<string> {
  for (const part of partsOf(text)) {
    if (!isUnspaced(part)) {
      yield cut(part);
      continue;
    }
    const chars = [...part];
    yield* chars;
    for (let at = 1; at < chars.length; at++) yield chars[at - 1]! + chars[at]!;
  }
}

/** The words that somebody looks for, each once, and without those that say nothing. */
export function wantedWords(text: string): string[] {
  const words = new Set<string>();
  for (const part of partsOf(text)) {
    const chars = isUnspaced(part) ? [...part] : null;
    for (const word of chars === null ? [cut(part)] : chars.length === 1 ? chars : pairsOf(chars)) words.add(word);
    if (words.size >= MOST_READ) break;
  }
  return telling([...words]).slice(0, MOST_WANTED);
}

function partsOf(text: string): readonly string[] {
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORD) ?? [];
  const words = folded(text).match(WORD) ?? [];
  return words.flatMap((word) => (isUnspaced(word) ? (word.match(PARTS) ?? []) : [word]));
}

function folded(text: string): string {
  const letters = withoutHeaps(text).normalize('NFKD').replace(MARKS, '');
  // Down first, since there is a capital ß that is its own capital; and a sigma is written otherwise at the end of a word.
  return letters.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
}

function isUnspaced(word: string): boolean {
  return HAS_UNSPACED.test(word);
}

function pairsOf(chars: readonly string[]): string[] {
  return chars.slice(1).map((char, at) => chars[at]! + char);
}

function cut(word: string): string {
  return word.length <= LONGEST ? word : [...word.slice(0, LONGEST * 2)].slice(0, LONGEST).join('');
}
