import { timestamp } from '../core/clock.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { type Capability, freeSlots, type Worker, type WorkerProfile } from '../core/worker.ts';
import { satisfies } from './matching.ts';
import { word, words } from './words.ts';

/** Why a worker may not have a task, in words for people. There is a reason exactly when `matches` says no. */

/** Requirements are somebody's input: there may be any number. */
const MOST_REASONS = 20;

/** Every requirement that the worker does not meet, and never will: its profile does not change. */
export function unmet(worker: Worker, requirements: JsonObject): string[] {
  const reasons = lackingCapabilities(worker.profile, requirements);
  for (const [key, wanted] of Object.entries(requirements)) {
    if (wanted === null || CAPABILITY_KEYS.has(key) || key === 'beeId') continue;
    const reason = key === 'worker' ? notMeant(worker, wanted) : lackingAttribute(worker.profile, key, wanted);
    if (reason !== null) reasons.push(reason);
  }
  if (reasons.length <= MOST_REASONS) return reasons;
  return [...reasons.slice(0, MOST_REASONS), `and ${reasons.length - MOST_REASONS} more requirements`];
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

/** What is asked of a worker, as it stands after "needs": `capability ocr with language fr, attribute region eu`. */
export function inWords(requirements: JsonObject): string {
  const names = capabilityNames(requirements);
  const details = detailsInWords(requirements);
  const parts: string[] = [];
  if (names.length > 0) parts.push([`${capabilities(names)} ${words(names)}`, details].filter(Boolean).join(' '));
  else if (details !== '') parts.push(`a capability ${details}`);
  for (const [key, wanted] of Object.entries(requirements)) {
    if (wanted === null || CAPABILITY_KEYS.has(key) || key === 'beeId') continue;
    parts.push(key === 'worker' ? `worker ${word(wanted)}` : attributeInWords(key, wanted));
  }
  if (parts.length === 0) return 'nothing in particular';
  const listed = parts.slice(0, MOST_REASONS).join(', ');
  return parts.length > MOST_REASONS ? `${listed} and ${parts.length - MOST_REASONS} more` : listed;
}

const CAPABILITY_KEYS = new Set(['capability', 'capabilities', 'category', 'language', 'complexity']);

function capabilityNames({ capability, capabilities }: JsonObject): Json[] {
  return [...new Set([...listOf(capability), ...listOf(capabilities)])];
}

function capabilities(names: readonly Json[]): string {
  return names.length === 1 ? 'capability' : 'capabilities';
}

function listOf(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function lackingCapabilities({ capabilities: held }: WorkerProfile, requirements: JsonObject): string[] {
  const names = capabilityNames(requirements);
  if (names.length === 0) return lackingDetails(held, requirements);
  const missing = names.filter((name) => !held.some((one) => one.name === name));
  const lacking = missing.length === 0 ? [] : [`needs ${capabilities(missing)} ${words(missing)}; ${has(held)}`];
  for (const name of names) {
    const shortfalls = held.filter((one) => one.name === name).map((one) => shortfallsOf(one, requirements));
    // The nearest of several with the same name; with a shortfall of none it fits.
    if (shortfalls.length > 0) lacking.push(...shortfalls.reduce((a, b) => (b.length < a.length ? b : a)));
  }
  return lacking;
}

function has(held: readonly Capability[]): string {
  return held.length === 0 ? 'has none' : `has ${words(held.map(({ name }) => name))}`;
}

/** No capability is named: some one must do it all. */
function lackingDetails(held: readonly Capability[], requirements: JsonObject): string[] {
  const details = detailsInWords(requirements);
  if (details === '' || held.some((one) => shortfallsOf(one, requirements).length === 0)) return [];
  return [`needs a capability ${details}; ${has(held)}${held.length === 0 ? '' : ', of which none is that'}`];
}

/** What one capability lacks, a sentence for each detail. */
function shortfallsOf(capability: Capability, { category, language, complexity }: JsonObject): string[] {
  const name = word(capability.name);
  const lacking: string[] = [];
  if (isAsked(category) && capability.category !== category) {
    const own = capability.category ?? null;
    const its = own === null ? `its ${name} has no category` : `its ${name} is of category ${word(own)}`;
    lacking.push(`needs capability ${name} of category ${word(category)}; ${its}`);
  }
  const languages: readonly Json[] = capability.supported_languages ?? [];
  const unspoken = listOf(language).filter((one) => !languages.includes(one));
  if (unspoken.length > 0) {
    const its = languages.length === 0 ? `its ${name} lists no language` : `its ${name} lists ${words(languages)}`;
    lacking.push(`needs capability ${name} with language${unspoken.length > 1 ? 's' : ''} ${words(unspoken)}; ${its}`);
  }
  const limit = capability.max_complexity ?? null;
  if (isAsked(complexity) && limit !== null && !satisfies(limit, complexity)) {
    lacking.push(`needs complexity ${word(complexity)} of capability ${name}; its maximum is ${word(limit)}`);
  }
  return lacking;
}

function isAsked(value: Json | undefined): value is Exclude<Json, null> {
  return value !== undefined && value !== null;
}

function detailsInWords({ category, language, complexity }: JsonObject): string {
  const languages = listOf(language);
  return [
    isAsked(category) ? `of category ${word(category)}` : '',
    isAsked(language) ? languagesInWords(languages) : '',
    isAsked(complexity) ? `for complexity ${word(complexity)}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function languagesInWords(languages: readonly Json[]): string {
  return languages.length === 0
    ? 'with any language'
    : `with language${languages.length > 1 ? 's' : ''} ${words(languages)}`;
}

function notMeant({ id, profile }: Worker, wanted: Json): string | null {
  if (wanted === id || wanted === profile.name) return null;
  return `is for worker ${word(wanted)}; this is ${word(profile.name)}`;
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

function attributeInWords(key: string, wanted: Json): string {
  if (wanted === true) return `attribute ${word(key)}`;
  const isAtLeast = typeof wanted === 'number' || wanted === 'low' || wanted === 'medium' || wanted === 'high';
  return `attribute ${word(key)} ${isAtLeast ? 'of at least ' : ''}${valueInWords(wanted)}`;
}

function valueInWords(value: Json): string {
  if (!Array.isArray(value)) return word(value);
  return value.length === 0 ? 'with an empty list' : words(value);
}
