import { hash } from 'node:crypto';
import { canonicalJson, type Json, type JsonObject } from './json.ts';

/**
 * The key of a lane says who may run its tasks, and whose they are: a hash of the requirements, and behind it, of tasks
 * that have one, their group. So each group has lanes of its own, and nothing but the key has to know of it.
 *
 *   <22 characters>           tasks without a group
 *   <22 characters>:<group>   those of a group, which may contain anything that a group's name may
 */
const HASH_LENGTH = 22;

/** The part of a lane's key that tells requirements apart. */
export function requirementsKey(requirements: JsonObject): string {
  // The original's label says nothing about who may run a task.
  const { beeId: _, ...matched } = requirements;
  return hash('sha256', canonicalJson(matched), 'base64url').slice(0, HASH_LENGTH);
}

/** @param key of the requirements @param group null: the task has none */
export function laneOf(key: string, group: string | null): string {
  return group === null ? key : `${key}:${group}`;
}

/** The group whose tasks a lane holds; null for those that have none. */
export function groupOf(lane: string): string | null {
  return lane[HASH_LENGTH] === ':' && lane.length > HASH_LENGTH + 1 ? lane.slice(HASH_LENGTH + 1) : null;
}

/** The tasks of one priority in a lane, where these are looked at by themselves. No lane's key has a line break in it. */
export function levelOf(lane: string, priority: number): string {
  return `${lane}\n${priority}`;
}

/** The lane that a level is of; or the lane itself. */
export function laneOfLevel(level: string): string {
  const cut = level.indexOf('\n');
  return cut < 0 ? level : level.slice(0, cut);
}

/** The names in `capability` or `capabilities`. What is no text names nothing that a worker could be asked for. */
export function capabilitiesIn({ capability, capabilities }: JsonObject): Set<string> {
  const names = [capability, capabilities].flat() as (Json | undefined)[];
  return new Set(names.filter((name) => typeof name === 'string'));
}

/**
 * The executing tasks of a group are a pool, and so are those that require a capability: what stores count, and what there may
 * be a cap on. A task may be in several.
 */
export function groupPool(group: string): string {
  return `group ${group}`;
}

export function capabilityPool(capability: string): string {
  return `capability ${capability}`;
}

/** Pools by lane, which never change. */
const known = new Map<string, readonly string[]>();
const MOST_KNOWN = 10_000;

/** The pools that a lane's tasks are in. @param requirements of its tasks; asked for only when the lane is not known */
export function poolsOf(lane: string, requirements: () => JsonObject): readonly string[] {
  let pools = known.get(lane);
  if (!pools) {
    const group = groupOf(lane);
    pools = [...capabilitiesIn(requirements())].map(capabilityPool);
    if (group !== null) pools = [groupPool(group), ...pools];
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(lane, pools);
  }
  return pools;
}
