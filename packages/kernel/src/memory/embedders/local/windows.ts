/** The model looks at no more than 128 tokens at once; what comes behind them it does not see. */
const MOST_TOKENS = 120;
/** Prose of that many characters is fewer tokens than that, as a rule. */
const WIDTH = 400;
const MOST_WINDOWS = 16;

/** Of a text, no more than this is looked at. */
export const LONGEST_LOCAL = MOST_WINDOWS * WIDTH;

/** A piece of a text that the model can look at as a whole. */
export interface Window {
  readonly text: string;
  readonly tokens: number;
}

/** A text as windows of about the same width, which end between words where they can. */
export function windowsOf(text: string, countTokens: (text: string) => number): Window[] {
  // What the tokenizer makes of it, here already: one character may become eighteen.
  const seen = text.slice(0, LONGEST_LOCAL).normalize('NFKC').slice(0, LONGEST_LOCAL).trim();
  return pieces(seen, WIDTH)
    .flatMap((piece) => narrowed(piece, countTokens))
    .slice(0, MOST_WINDOWS);
}

/** Halves of a piece that is more tokens than the model sees, and halves of those. */
function narrowed(text: string, countTokens: (text: string) => number): Window[] {
  const tokens = countTokens(text);
  if (tokens <= MOST_TOKENS || text.length < 2) return tokens === 0 ? [] : [{ text, tokens }];
  return pieces(text, Math.ceil(text.length / 2)).flatMap((piece) => narrowed(piece, countTokens));
}

function pieces(text: string, most: number): string[] {
  const found: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const width = Math.ceil(rest.length / Math.ceil(rest.length / most));
    const end = rest.length <= most ? rest.length : endOf(rest, width);
    found.push(rest.slice(0, end).trim().toWellFormed());
    rest = rest.slice(end).trimStart();
  }
  return found.filter((piece) => piece !== '');
}

/** Where the last word within `width` ends; in the middle of one that alone is most of it. */
function endOf(text: string, width: number): number {
  const space = text.slice(0, width + 1).search(/\s\S*$/);
  return space > width / 2 ? space : width;
}
