/** As much of Markdown as the checks of the documents need. */

/** The relative links that `exists` (given path and anchor) says lead nowhere. */
export function brokenLinks(text: string, exists: (path: string, anchor: string | null) => boolean): string[] {
  const links = [...withoutCode(text).matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].map((match) => match[1]!);
  return links.filter((link) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    return !exists(decodeURIComponent(path), anchor ?? null);
  });
}

/** What can stand behind `#` in a link to this text, made from its headings as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const plain = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const base = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    let anchor = base;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${base}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The rows of all tables whose first column has this title; back ticks around a whole cell are dropped. */
export function tableRows(text: string, firstColumn: string): string[][] {
  const rows: string[][] = [];
  let inTable: boolean | null = null;
  for (const line of withoutFences(text).split('\n')) {
    if (!line.startsWith('|')) {
      inTable = null;
      continue;
    }
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'));
    if (inTable === null) inTable = cells[0] === firstColumn;
    else if (inTable && !/^:?-+:?$/.test(cells[0] ?? '')) rows.push(cells);
  }
  return rows;
}

function withoutFences(text: string): string {
  return text.replace(/^(`{3,}|~{3,}).*\n[\s\S]*?^\1.*$/gm, '');
}

function withoutCode(text: string): string {
  return withoutFences(text).replace(/(`+)[\s\S]*?\1/g, '');
}
