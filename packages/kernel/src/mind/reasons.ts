import { timestamp } from '../core/clock.ts';
import type { Json } from '../core/json.ts';
import { type Capability, freeSlots, type Worker, type WorkerProfile } from '../core/worker.ts';
import { type Asked, attributeInWords, capabilities, detailsInWords, MOST_TOLD, valueInWords } from './asked.ts';
import { satisfies } from './matching.ts';
import { MOST_LISTED, word, words } from './words.ts';

/** Why a worker may not have a task, in words for people. There is a reason exactly when `matches` says no. */

/** Every requirement that the worker does not meet, and never will: its profile does not change. */
export function unmet(worker: Worker, asked: Asked): string[] {
  const reasons: string[] = [];
  for (const reason of allUnmet(worker, asked)) {
    if (reasons.push(reason) > MOST_TOLD)
      return [...reasons.slice(0, MOST_TOLD), 'and more is asked that it does not have'];
  }
  return reasons;
}

function* allUnmet(worker: Worker, asked: Asked): Iterable<string> {
  yield* lackingCapabilities(worker.profile.capabilities, asked);
  const { id, profile } = worker;
  if (asked.worker !== undefined && asked.worker !== id && asked.worker !== profile.name) {
    yield `is for worker ${word(asked.worker)}; this is ${word(profile.name)}`;
  }
  for (const [key, wanted] of asked.attributes) {
    const reason = lackingAttribute(profile, key, wanted);
    if (reason !== null) yield reason;
  }
}

/** What keeps it from being given any task just now. */
export function hindrances(worker: Worker): string[] {
  const { offline, draining, quarantine, holds, profile, lastHeartbeat } = worker;
  const reasons: string[] = [];
  if (offline) reasons.push(`is offline since ${timestamp(lastHeartbeat)}`);
  if (draining) reasons.push('is draining');
  if (quarantine && !quarantine.onTrial) reasons.push(`is in quarantine until ${timestamp(quarantine.until)}`);
  else if (freeSlots(worker) === 0) {
    const slots = quarantine ? 1 : profile.maxConcurrentTasks;
    reasons.push(`has no free slot (${holds.length} of ${slots}${quarantine ? ', on trial' : ''})`);
  }
  return reasons;
}

function* lackingCapabilities(held: readonly Capability[], asked: Asked): Iterable<string> {
  if (asked.names.size === 0) {
    const details = detailsInWords(asked);
    if (details === '' || held.some((one) => shortfallsOf(one, asked).length === 0)) return;
    yield `needs a capability${details}; ${has(held)}${held.length === 0 ? '' : ', of which none is that'}`;
    return;
  }
  const byName = Map.groupBy(
    held.filter(({ name }) => asked.names.has(name)),
    ({ name }) => name,
  );
  const missing = asked.names.size - byName.size;
  if (missing > 0) {
    yield `needs ${capabilities(missing)} ${words(firstMissing(asked.names, byName), missing)}; ${has(held)}`;
  }
  for (const those of byName.values()) {
    const shortfalls = those.map((one) => shortfallsOf(one, asked));
    // The nearest of several with the same name; with a shortfall of none it fits.
    yield* shortfalls.reduce((a, b) => (b.length < a.length ? b : a));
  }
}

/** As many as are named. There may be any number, of which a worker has a few. */
function firstMissing(wanted: ReadonlySet<Json>, held: { has(name: string): boolean }): Json[] {
  const missing: Json[] = [];
  for (const one of wanted) {
    if (!held.has(one as string) && missing.push(one) === MOST_LISTED) break;
  }
  return missing;
}

function has(held: readonly Capability[]): string {
  return held.length === 0 ? 'has none' : `has ${words(held.map(({ name }) => name))}`;
}

/** What one capability lacks, a sentence for each detail. */
function shortfallsOf(capability: Capability, { category, languages, complexity }: Asked): string[] {
  const name = word(capability.name);
  const lacking: string[] = [];
  if (category !== undefined && capability.category !== category) {
    const own = capability.category ?? null;
    const its = own === null ? `its ${name} has no category` : `its ${name} is of category ${word(own)}`;
    lacking.push(`needs capability ${name} of category ${word(category)}; ${its}`);
  }
  if (languages !== undefined) {
    const spoken = new Set(capability.supported_languages ?? []);
    const unspoken = languages.size - [...spoken].filter((one) => languages.has(one)).length;
    if (unspoken > 0) {
      const its = spoken.size === 0 ? `its ${name} lists no language` : `its ${name} lists ${words([...spoken])}`;
      const which = `language${unspoken > 1 ? 's' : ''} ${words(firstMissing(languages, spoken), unspoken)}`;
      lacking.push(`needs capability ${name} with ${which}; ${its}`);
    }
  }
  const limit = capability.max_complexity ?? null;
  if (complexity !== undefined && limit !== null && !satisfies(limit, complexity)) {
    lacking.push(`needs complexity ${word(complexity)} of capability ${name}; its maximum is ${word(limit)}`);
  }
  return lacking;
}

/** What a worker counts as having unless it says otherwise. */
const ASSUMED: Readonly<Record<string, string>> = { cpu: 'high', memory: 'high' };

function lackingAttribute({ attributes }: WorkerProfile, key: string, wanted: Json): string | null {
  const isDeclared = Object.hasOwn(attributes, key);
  const offered = isDeclared ? attributes[key] : Object.hasOwn(ASSUMED, key) ? ASSUMED[key] : undefined;
  if (satisfies(offered, wanted)) return null;
  const own = offered === undefined ? 'declares none' : isDeclared ? `has ${valueInWords(offered)}` : null;
  return `needs ${attributeInWords(key, wanted)}; ${own ?? `declares none, which counts as ${word(offered!)}`}`;
}
