import type { Json, JsonObject } from '../core/json.ts';
import { word, words } from './words.ts';

/** So many requirements are told of: there may be any number. */
export const MOST_TOLD = 20;

const CAPABILITY_KEYS = new Set(['capability', 'capabilities', 'category', 'language', 'complexity']);

/** Requirements, sorted by what they are about; read once for all the workers that are held against them. */
export interface Asked {
  /** Capabilities by their names. */
  readonly names: ReadonlySet<Json>;
  /** What each of them, or without a name some one, must be like; undefined: that does not matter. */
  readonly category: Json | undefined;
  readonly languages: ReadonlySet<Json> | undefined;
  readonly complexity: Json | undefined;
  /** The worker, by id or name; undefined: any. */
  readonly worker: Json | undefined;
  readonly attributes: readonly (readonly [key: string, wanted: Json])[];
}

export function read(requirements: JsonObject): Asked {
  const { capability, capabilities, category, language, complexity, worker } = requirements;
  return {
    names: new Set([...listOf(capability), ...listOf(capabilities)]),
    category: category ?? undefined,
    languages: language === undefined || language === null ? undefined : new Set(listOf(language)),
    complexity: complexity ?? undefined,
    worker: worker ?? undefined,
    attributes: Object.entries(requirements).filter(
      ([key, wanted]) => wanted !== null && key !== 'worker' && key !== 'beeId' && !CAPABILITY_KEYS.has(key),
    ),
  };
}

function listOf(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** As it stands after "needs": `capability ocr with language fr, attribute region eu`. */
export function inWords(asked: Asked): string {
  const { names, worker, attributes } = asked;
  const details = detailsInWords(asked);
  const parts: string[] = [];
  if (names.size > 0) parts.push(`${capabilities(names.size)} ${words([...names])}${details}`);
  else if (details !== '') parts.push(`a capability${details}`);
  if (worker !== undefined) parts.push(`worker ${word(worker)}`);
  for (const [key, wanted] of attributes.slice(0, MOST_TOLD)) parts.push(attributeInWords(key, wanted));
  if (parts.length === 0) return 'nothing in particular';
  const more = attributes.length > MOST_TOLD ? ` and ${attributes.length - MOST_TOLD} more` : '';
  return `${parts.join(', ')}${more}`;
}

export function capabilities(count: number): string {
  return count === 1 ? 'capability' : 'capabilities';
}

/** What goes on after the capability's name; empty: it may be like anything. */
export function detailsInWords({ category, languages, complexity }: Asked): string {
  return [
    category === undefined ? '' : ` of category ${word(category)}`,
    languages === undefined ? '' : ` with ${languagesInWords(languages)}`,
    complexity === undefined ? '' : ` for complexity ${word(complexity)}`,
  ].join('');
}

function languagesInWords(languages: ReadonlySet<Json>): string {
  if (languages.size === 0) return 'any language';
  return `language${languages.size > 1 ? 's' : ''} ${words([...languages])}`;
}

export function attributeInWords(key: string, wanted: Json): string {
  if (wanted === true) return `attribute ${word(key)}`;
  const isAtLeast = typeof wanted === 'number' || wanted === 'low' || wanted === 'medium' || wanted === 'high';
  return `attribute ${word(key)} ${isAtLeast ? 'of at least ' : ''}${valueInWords(wanted)}`;
}

export function valueInWords(value: Json): string {
  if (!Array.isArray(value)) return word(value);
  return value.length === 0 ? 'with an empty list' : words(value);
}
