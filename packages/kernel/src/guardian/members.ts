import type { FieldError } from '../core/errors.ts';
import { shown, shownPointer } from './quote.ts';

/**
 * Reads the members of one JSON object, and notes what is wrong with them. Whoever has read all it knows calls `finish`,
 * which objects to the rest: in a rule for safety a slip of the pen must not pass for a rule that is not there.
 */
export class Members {
  readonly path: string;
  readonly errors: FieldError[] = [];
  /** Set when reading on would take too long. */
  hopeless = false;
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #known = new Set<string>();

  constructor(object: object, path: string) {
    this.#object = object as Readonly<Record<string, unknown>>;
    this.path = path;
  }

  /** Notes an error of a member, or of one of its items. */
  fail(name: string, message: string, index?: number): void {
    const pointer = `${this.path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    this.errors.push({ path: index === undefined ? shownPointer(pointer) : `${pointer}/${index}`, message });
  }

  /** Notes an error of the whole object. */
  failWhole(message: string): void {
    this.errors.push({ path: this.path, message });
  }

  /** A member's value, whatever it is; undefined when it is absent. */
  take(name: string): unknown {
    this.#known.add(name);
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  /** The names of the members that nobody has asked for yet. */
  rest(): string[] {
    return Object.keys(this.#object).filter((name) => !this.#known.has(name));
  }

  number(name: string, allowed: string, accepts: (value: number) => boolean): number | undefined {
    const value = this.take(name);
    if (typeof value === 'number' && Number.isFinite(value) && accepts(value)) return value;
    this.fail(name, value === undefined ? `is required: ${allowed}` : `must be ${allowed}, not ${shown(value)}`);
    return undefined;
  }

  text(name: string, allowed: string, accepts: (value: string) => boolean): string | undefined {
    const value = this.take(name);
    if (typeof value === 'string' && accepts(value)) return value;
    this.fail(name, value === undefined ? `is required: ${allowed}` : `must be ${allowed}, not ${shown(value)}`);
    return undefined;
  }

  /**
   * An array of texts; undefined when the member is absent or wrong.
   * @param allowed what an item must be, as in "must be …"
   */
  texts(name: string, most: number, allowed: string, accepts: (value: string) => boolean): string[] | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length === 0 || value.length > most) {
      const found = Array.isArray(value) ? `${value.length} items` : shown(value);
      this.fail(name, `must be an array of 1 to ${most} items, not ${found}`);
      return undefined;
    }
    const texts = value.filter((item, index): item is string => {
      if (typeof item === 'string' && accepts(item)) return true;
      this.fail(name, `must be ${allowed}, not ${shown(item)}`, index);
      return false;
    });
    return texts.length === value.length ? texts : undefined;
  }

  /** @param has what there would be to say instead, as in "a rule has …" */
  finish(has: string): void {
    for (const name of this.rest()) this.fail(name, `is not known here: ${has}`);
  }
}

/** What every rule has. */
export const BESIDE = 'beside id, type, action and description';
