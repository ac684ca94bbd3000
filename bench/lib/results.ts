/**
 * `RESULTS.md`: a section for each workload, replaced when that workload is measured again, and remarks at the end,
 * which belong to people and are never touched.
 */
import { goalLine, type Report, table, type Workload } from './report.ts';

const REMARKS = '## Remarks';
const HEAD = `# Results

Written by \`npm run bench\`; each section says when and where it was measured. Compare ratios, not rates: rates drift with
the machine. What the workloads are and how to run them is in [README.md](README.md).
`;

/** One measured workload, as a section of Markdown. */
export function section(workload: Workload, report: Report, where: readonly (readonly [string, string])[]): string {
  const parts = [
    `## ${workload.title}`,
    report.how.trim(),
    report.rows.length > 0 ? table(report.columns, report.rows) : '',
    report.goals.map((goal) => `- ${goalLine(goal)}`).join('\n'),
    `<sub>${where.map(([name, value]) => `${name}: ${value}`).join(' · ')}</sub>`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** The file with these sections put in, in the order of their titles. */
export function merge(old: string, sections: readonly string[]): string {
  const remarksAt = old.indexOf(REMARKS);
  const remarks = remarksAt < 0 ? `${REMARKS}\n` : old.slice(remarksAt);
  const measured = remarksAt < 0 ? old : old.slice(0, remarksAt);
  const byTitle = new Map<string, string>();
  for (const text of [...measured.split(/^(?=## )/m).filter((part) => part.startsWith('## ')), ...sections]) {
    byTitle.set(text.slice(0, text.indexOf('\n')), text.trim());
  }
  const all = [...byTitle].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(([, text]) => text);
  return `${[HEAD.trim(), ...all, remarks.trim()].join('\n\n')}\n`;
}
