import type { Json, JsonObject } from '../core/json.ts';
import type { WorkerProfile } from '../core/worker.ts';
import { attributeOf, capabilitiesNamed, isAboutCapabilities, matchesProfile } from './matching.ts';

/**
 * How narrowly a worker suffices for what is required: `2 / (2 + surplus)`, so 1 for one that can do just this, ⅔ with one
 * thing more, ½ with two. What counts as surplus: each capability that is not asked for 1, each attribute and complexity
 * above what is asked ½. The narrowest goes first, so that those who can do much stay free for what only they can do. 0: it
 * does not suffice at all.
 */
export function fitOf(profile: WorkerProfile, requirements: JsonObject): number {
  return matchesProfile(profile, requirements) ? 2 / (2 + surplus(profile, requirements)) : 0;
}

function surplus(profile: WorkerProfile, requirements: JsonObject): number {
  const names = new Set(capabilitiesNamed(requirements));
  const asks = (key: string) => (requirements[key] ?? null) !== null;
  // Without a name some one capability does it.
  const used = names.size > 0 ? names.size : Number(['category', 'language', 'complexity'].some(asks));
  let above = 0;
  for (const [key, wanted] of Object.entries(requirements)) {
    if (wanted === null || key === 'worker' || key === 'beeId' || isAboutCapabilities(key)) continue;
    if (isMore(attributeOf(profile, key), wanted)) above++;
  }
  if (asks('complexity')) {
    const held = profile.capabilities.filter(({ name }) => names.size === 0 || names.has(name));
    if (held.some((one) => isMore(one.max_complexity ?? 'no limit', requirements.complexity!))) above++;
  }
  return Math.max(0, profile.capabilities.length - used) + above / 2;
}

/** It suffices, so what is not the same is more. */
function isMore(offered: Json | undefined, wanted: Json): boolean {
  return typeof wanted !== 'object' && offered !== wanted;
}
