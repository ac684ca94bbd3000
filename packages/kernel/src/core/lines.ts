const LF = 0x0a;

/**
 * The lines of a text as bytes, in batches as they arrive. Only a line feed ends one: a string in JSON may hold all the
 * other characters at which readers of lines like to break. A line that goes on for ever is cut, and is the last.
 * @param longest in bytes, what no line comes near
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, longest: number): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      const piece = chunk.subarray(from, end);
      lines.push(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
      rest = [];
      length = 0;
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    length += chunk.length - from;
    if (lines.length > 0) yield lines;
    if (length > longest) break;
  }
  if (rest.length > 0) yield [Buffer.concat(rest)];
}
