import { canonicalJson, type Json, type JsonObject } from '../core/json.ts';
import type { Capability, Worker, WorkerProfile } from '../core/worker.ts';

/**
 * Who may run what: the hard form of matching. Requirements are either about capabilities (`capability`,
 * `capabilities`, `category`, `language`, `complexity`), about the worker itself (`worker`), or about its attributes
 * (every other key). A requirement of null asks for nothing.
 */
export function matches({ id, profile }: Pick<Worker, 'id' | 'profile'>, requirements: JsonObject): boolean {
  const { worker = null } = requirements;
  return (worker === null || worker === id || worker === profile.name) && matchesProfile(profile, requirements);
}

/** The same, whoever the worker is. */
export function matchesProfile(profile: WorkerProfile, requirements: JsonObject): boolean {
  if (!hasCapabilities(profile, requirements)) return false;
  for (const [key, wanted] of Object.entries(requirements)) {
    if (wanted === null || isAboutCapabilities(key) || key === 'worker' || key === 'beeId') continue;
    if (!satisfies(attributeOf(profile, key), wanted)) return false;
  }
  return true;
}

export function isAboutCapabilities(key: string): boolean {
  return CAPABILITY_KEYS.has(key);
}

const CAPABILITY_KEYS = new Set(['capability', 'capabilities', 'category', 'language', 'complexity']);

/** A worker that says nothing of its processor or memory counts as having enough. */
export function attributeOf(profile: WorkerProfile, key: string): Json | undefined {
  if (Object.hasOwn(profile.attributes, key)) return profile.attributes[key];
  return key === 'cpu' || key === 'memory' ? 'high' : undefined;
}

/**
 * Every named capability must be there, and each must itself be of the category, list the language and reach the
 * complexity. Without a name, some one capability must do all of that.
 */
function hasCapabilities(profile: WorkerProfile, requirements: JsonObject): boolean {
  // Not put together first: there may be very many, of which the first one is missing.
  const [names, others] = [named(requirements.capability), named(requirements.capabilities)];
  const fits = (capability: Capability) => fitsDetails(capability, requirements);
  if (names.length + others.length > 0) {
    const has = (name: Json) => profile.capabilities.some((held) => held.name === name && fits(held));
    return all(names, has) && all(others, has);
  }
  const asksDetails = requirements.category ?? requirements.language ?? requirements.complexity ?? null;
  return asksDetails === null || profile.capabilities.some(fits);
}

/** The capabilities that are asked for by name; what is no name is found nowhere. */
export function capabilitiesNamed({ capability, capabilities }: JsonObject): Json[] {
  return [...new Set([...named(capability), ...named(capabilities)])];
}

function named(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Of lists that are so long it is remembered what is in them: many are held against them, and they may say the same over and over. */
const LONG = 16;
const contents = new WeakMap<
  readonly Json[],
  { readonly values: readonly Json[]; readonly keys: ReadonlySet<string> }
>();

function contentsOf(list: readonly Json[]) {
  let known = contents.get(list);
  if (!known) {
    const byKey = new Map(list.map((one) => [canonicalJson(one), one]));
    known = { values: [...byKey.values()], keys: new Set(byKey.keys()) };
    contents.set(list, known);
  }
  return known;
}

/** Each that is different is asked for once; but if one of the first is missing, the others are not even read. */
function all(list: readonly Json[], is: (one: Json) => boolean): boolean {
  if (list.length <= LONG) return list.every(is);
  return list.slice(0, 4).every(is) && contentsOf(list).values.every(is);
}

function keysOf(list: readonly Json[]): ReadonlySet<string> {
  return list.length > LONG ? contentsOf(list).keys : new Set(list.map(canonicalJson));
}

function fitsDetails(capability: Capability, { category, language, complexity }: JsonObject): boolean {
  if (category !== undefined && category !== null && capability.category !== category) return false;
  if (language !== undefined && language !== null) {
    const languages: readonly Json[] = capability.supported_languages ?? [];
    if (!all(named(language), (one) => languages.includes(one))) return false;
  }
  if (complexity !== undefined && complexity !== null) {
    const limit = capability.max_complexity ?? null;
    if (limit !== null && !satisfies(limit, complexity)) return false;
  }
  return true;
}

const LEVELS = new Map<Json, number>([
  ['low', 1],
  ['medium', 2],
  ['high', 3],
]);

/** Levels and numbers are "at least", arrays are "contains all", everything else must be equal. */
export function satisfies(offered: Json | undefined, wanted: Json): boolean {
  if (offered === undefined) return false;
  if (Array.isArray(wanted)) {
    // Both may be long: nobody is to wait while each is compared with each.
    const held = keysOf(Array.isArray(offered) ? offered : named(offered));
    for (const key of keysOf(wanted)) if (!held.has(key)) return false;
    return true;
  }
  if (Array.isArray(offered)) return offered.some((one) => satisfies(one, wanted));
  if (typeof wanted === 'number' && typeof offered === 'number') return offered >= wanted;
  const wantedLevel = LEVELS.get(wanted);
  const offeredLevel = LEVELS.get(offered);
  if (wantedLevel !== undefined && offeredLevel !== undefined) return offeredLevel >= wantedLevel;
  return equal(offered, wanted);
}

function equal(a: Json, b: Json): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b));
}
