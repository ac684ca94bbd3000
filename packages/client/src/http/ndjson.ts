/** Splits pieces of text of any size into the JSON values of its lines. */
export async function* jsonLines<T>(pieces: AsyncIterable<string>): AsyncGenerator<T> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}
