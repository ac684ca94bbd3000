import { show } from './stats.ts';

export interface Settings {
  /** Smaller and fewer: to see that everything works, not to compare. */
  readonly quick: boolean;
  /** How often everything is measured, in turns. */
  readonly rounds: number;
}

/** One row of `performance`: what is done, and how its figures are shown. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  run(settings: Settings): Promise<Report>;
}

export interface Report {
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly goals: readonly Goal[];
}

/** A ratio and where it should be. */
export interface Goal {
  readonly text: string;
  readonly value: number;
  readonly goal: number;
  /** Whether more is better. */
  readonly atLeast: boolean;
}

export function goalLine({ text, value, goal, atLeast }: Goal): string {
  const met = Number.isFinite(value) ? (atLeast ? value >= goal : value <= goal) : null;
  const verdict = met === null ? 'not measured' : met ? 'met' : 'missed';
  return `${text}: ${show(value)} (goal ${atLeast ? '≥' : '≤'} ${goal}, ${verdict})`;
}

/** A Markdown table with its columns aligned, which reads as well on a terminal. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, at) =>
    Math.max(3, ...[column, ...rows.map((row) => row[at] ?? '')].map((cell) => cell.length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? '').padEnd(width) : (cells[at] ?? '').padStart(width))).join(' | ')} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}
