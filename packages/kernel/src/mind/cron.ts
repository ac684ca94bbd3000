import { Cron } from 'croner';

/**
 * When cron expressions are due. To find it out takes about a tenth of a millisecond, and everybody waits meanwhile; but many
 * schedules say the same, and come due at the same moment: so answers are remembered.
 */

const MOST_ANSWERS = 4096;

const answers = new Map<string, number | null>();
/** What was read last: of one that has missed many due times each is asked for. More of them would be a hundred kilobytes each. */
let last: { readonly name: string; readonly pattern: Cron } | null = null;

/** The first due time after this moment; null: there is none. Throws when the expression, or the time zone, is not understood. */
export function nextOf(cron: string, timezone: string, after: number): number | null {
  const name = `${timezone} ${cron}`;
  const question = `${after} ${name}`;
  const known = answers.get(question);
  if (known !== undefined) return known;
  if (last?.name !== name) last = { name, pattern: read(cron, timezone) };
  const answer = last.pattern.nextRun(new Date(after))?.getTime() ?? null;
  if (answers.size >= MOST_ANSWERS) answers.clear();
  answers.set(question, answer);
  return answer;
}

/**
 * Where clocks are put forward, a fixed time that does not exist comes when the gap is over, once; where they are put back, a
 * fixed time that comes twice counts the first time only. Expressions with `*` or steps in them go on with the time that passes.
 */
function read(cron: string, timezone: string): Cron {
  // Without a calendar's rules to look up it is several times as fast.
  const zone = timezone === 'UTC' ? { utcOffset: 0 } : { timezone };
  return new Cron(cron, { ...zone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
}
