import type { Json } from '../../core/json.ts';

/** Where a text stands: a JSON pointer, and whether it is the name of the member there rather than its value. */
export interface Place {
  readonly pointer: string;
  readonly isName: boolean;
}

/**
 * Visits every string in a JSON value, names of members included, in the order in which they are written.
 * @param visit gets the text, and a function that says where it stands; false ends the visit
 * @returns false when it was ended
 */
export function visitTexts(root: Json, pointer: string, visit: (text: string, place: () => Place) => boolean): boolean {
  if (typeof root === 'string') return visit(root, () => ({ pointer, isName: false }));
  // A stack of its own: how deep a value nests is up to whoever sent it.
  const frames: Frame[] = [];
  const enter = (value: Json) => {
    if (value === null || typeof value !== 'object') return;
    const names = Array.isArray(value) ? null : Object.keys(value);
    frames.push({ value: value as Frame['value'], names, length: (names ?? (value as Json[])).length, index: -1 });
  };
  const place = (isName: boolean): Place => ({ pointer: pointer + frames.map(step).join(''), isName });
  const ofName = () => place(true);
  const ofValue = () => place(false);

  enter(root);
  while (frames.length > 0) {
    const frame = frames.at(-1)!;
    if (++frame.index === frame.length) {
      frames.pop();
      continue;
    }
    const name = frame.names ? frame.names[frame.index]! : frame.index;
    if (typeof name === 'string' && !visit(name, ofName)) return false;
    const member = frame.value[name]!;
    if (typeof member === 'string') {
      if (!visit(member, ofValue)) return false;
    } else {
      enter(member);
    }
  }
  return true;
}

interface Frame {
  readonly value: Record<string | number, Json>;
  readonly names: readonly string[] | null;
  readonly length: number;
  index: number;
}

function step({ names, index }: Frame): string {
  return `/${names ? names[index]!.replaceAll('~', '~0').replaceAll('/', '~1') : index}`;
}
