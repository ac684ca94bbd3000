import type { Loss } from './accounting.ts';
import type { LedgerCheck } from './ledger-check.ts';
import type { Figures, Latency } from './statistics.ts';

/** What is told of a run when it is over. */
export interface Outcome {
  readonly figures: Figures;
  readonly ledger: Pick<LedgerCheck, 'valid' | 'entries' | 'stream'>;
  readonly losses: readonly Loss[];
  readonly refused: number;
  readonly killed: number;
  readonly crashed: number;
}

const SHOWN_LOSSES = 10;

/** The table at the end, and below it what was lost. */
export function table({ figures, ledger, losses, refused, killed, crashed }: Outcome): string {
  const { stream } = ledger;
  const rows: (readonly [string, string | number])[] = [
    ['submitted', figures.submitted],
    ['completed', figures.completed],
    ['failed', figures.failed],
    ['cancelled', figures.cancelled],
    ['requeued', figures.requeued],
    ['retried', figures.retried],
    ['lost', losses.length],
    ...(refused > 0 ? [['submits refused', refused] as const] : []),
    ...(killed > 0 ? [['bees killed', killed] as const] : []),
    ...(crashed > 0 ? [['bees crashed', crashed] as const] : []),
    ['submit p50 / p99', pair(figures.submit)],
    ['queue  p50 / p99', pair(figures.queue)],
    ['run    p50 / p99', pair(figures.run)],
    ['throughput', `${figures.throughput.toFixed(1)} tasks/s over ${figures.seconds.toFixed(1)} s`],
    ['ledger', `${ledger.valid ? 'valid' : 'NOT VALID'}, ${ledger.entries} entries`],
    ['event stream', `${stream.events} events, ${streamVerdict(stream)}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const shown = losses.slice(0, SHOWN_LOSSES).map(({ taskId, reason }) => `  lost: ${taskId ?? 'ledger'}: ${reason}`);
  const more = losses.length - shown.length;
  return [...lines, ...shown, ...(more > 0 ? [`  … and ${more} more, see the results file`] : [])].join('\n');
}

function pair({ p50, p99 }: Latency): string {
  return `${milliseconds(p50)} / ${milliseconds(p99)}`;
}

function milliseconds(value: number | null): string {
  if (value === null) return 'none';
  return value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${Number(value.toFixed(1))} ms`;
}

function streamVerdict({ gaps, firstDifference }: LedgerCheck['stream']): string {
  if (gaps > 0) return `${gaps} GAPS`;
  return firstDifference === null ? 'gapless, the same as the ledger' : `DIFFERENT from entry ${firstDifference} on`;
}
