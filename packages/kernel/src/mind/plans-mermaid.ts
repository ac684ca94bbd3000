import type { Knot } from './plans-graph.ts';

/** A plan as a picture: text that Mermaid draws, each task in the colour of its status. */

export interface Shown extends Knot {
  /** Its status, or a word for what is not there any more. */
  readonly status: string;
  readonly description: string;
}

const COLOURS: Readonly<Record<string, string>> = {
  pending: '#eeeeee',
  queued: '#fff3c4',
  executing: '#cfe2ff',
  completed: '#d1e7dd',
  failed: '#f8d7da',
  timeout: '#f8d7da',
  cancelled: '#dddddd',
  rejected: '#f8d7da',
};

/** So much of a description is shown. */
const MOST_CHARACTERS = 60;

export function mermaidOf(tasks: readonly Shown[]): string {
  const names = new Map(tasks.map(({ key }, place) => [key, `n${place}`]));
  const lines = ['flowchart TD'];
  for (const { key, status, description } of tasks) {
    lines.push(`  ${names.get(key)}["${escaped(`${key}: ${brief(description)}`)}"]:::${status}`);
  }
  for (const { key, dependsOn } of tasks) {
    for (const other of dependsOn) lines.push(`  ${names.get(other)} --> ${names.get(key)}`);
  }
  for (const [status, colour] of Object.entries(COLOURS)) {
    if (tasks.some((task) => task.status === status)) lines.push(`  classDef ${status} fill:${colour}`);
  }
  return `${lines.join('\n')}\n`;
}

/** As much of a description as is shown. */
export function brief(text: string): string {
  const characters = Array.from(text.toWellFormed().slice(0, 2 * MOST_CHARACTERS + 2));
  return characters.length <= MOST_CHARACTERS ? text : `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…`;
}

/** Whatever could mean something to Mermaid, or to a page it is drawn on, goes by its number. */
function escaped(text: string): string {
  return text.toWellFormed().replace(/[^\p{L}\p{N} .,:_…-]/gu, (character) => `#${character.codePointAt(0)};`);
}
