import type { JsonObject } from './json.ts';
import type { TaskSpec } from './task.ts';

/**
 * A type of rule that an operator brings. A module that brings some exports `rules: Record<string, RuleType>`.
 *
 * @example
 * export const rules = {
 *   working_hours_only: {
 *     parse({ tag }) {
 *       if (typeof tag !== 'string') throw new Error('tag must be a text');
 *       return (task) => (task.tags.includes(tag) ? `Tasks with the tag ${tag} wait for Monday.` : null);
 *     },
 *   },
 * };
 */
export interface RuleType {
  /**
   * Reads a rule's own members, all but `id`, `type`, `action` and `description`, when a policy is set. What it throws is
   * shown to whoever sets it.
   * @returns a check that answers synchronously with what is wrong with a task, or null; it must not change the task
   */
  parse(options: JsonObject): (task: TaskSpec) => string | null;
}

/** The types of rules that there are beside the built-in ones, by name. */
export type RuleTypes = Readonly<Record<string, RuleType>>;
