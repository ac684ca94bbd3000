import { DEFAULT_WEIGHTS, type Weights } from './core/mind-rules.ts';

/** How the text of one environment variable becomes a value, and how to say what would have been right. */
export interface ValueParser<T> {
  /** Completes the sentence "it must be …". */
  readonly allowed: string;
  /** The value, or undefined when the text is not allowed. */
  parse(text: string): T | undefined;
}

/** One environment variable. `docs/configuration.md` is checked against this table. */
export interface Variable<T> extends ValueParser<T> {
  readonly name: string;
  /** The text that counts when the variable is unset; null: there is none, and the value is then null. */
  readonly fallback: string | null;
  readonly doc: string;
  /** Never shown, neither in an error nor in a log. */
  readonly secret: boolean;
}

export function variable<T>(name: string, fallback: string, parser: ValueParser<T>, doc: string): Variable<T> {
  return { name, fallback, doc, secret: false, ...parser };
}

export function optional<T>(name: string, parser: ValueParser<T>, doc: string, secret = false): Variable<T | null> {
  return { name, fallback: null, doc, secret, ...parser };
}

export function oneOf<const T extends string>(...allowed: readonly T[]): ValueParser<T> {
  return {
    allowed: `one of ${allowed.join(', ')}`,
    parse: (text) => allowed.find((value) => value === text.toLowerCase()),
  };
}

export function wholeNumber(min: number, max: number, unit = 'a whole number'): ValueParser<number> {
  return {
    allowed: `${unit} from ${min} to ${max}`,
    parse: (text) => (/^\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined),
  };
}

/** A number that may have a fraction, so that a test can ask for half a second. */
export function seconds(min: number, max: number): ValueParser<number> {
  return {
    allowed: `a number of seconds from ${min} to ${max}`,
    parse: (text) => (/^\d{1,15}(\.\d{1,9})?$/.test(text) ? within(Number(text), min, max) : undefined),
  };
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

/** A part of a whole, in as many decimals as one likes. */
export function share(): ValueParser<number> {
  return {
    allowed: 'a number above 0 and up to 1',
    parse: (text) => {
      const value = /^\d{0,3}(\.\d{1,15})?$/.test(text) ? Number(text) : 0;
      return value > 0 && value <= 1 ? value : undefined;
    },
  };
}

export function yesOrNo(): ValueParser<boolean> {
  return {
    allowed: 'true or false',
    parse: (text) => {
      if (/^(true|1|yes|on)$/i.test(text)) return true;
      return /^(false|0|no|off)$/i.test(text) ? false : undefined;
    },
  };
}

export function matching(pattern: RegExp, allowed: string): ValueParser<string> {
  return { allowed, parse: (text) => (pattern.test(text) ? text : undefined) };
}

/** A comma list; empty members are skipped. */
export function listOf(pattern: RegExp, allowed: string): ValueParser<readonly string[]> {
  return {
    allowed: `a comma list of ${allowed}`,
    parse: (text) => {
      const members = text
        .split(',')
        .map((member) => member.trim())
        .filter((member) => member !== '');
      return members.every((member) => pattern.test(member)) ? members : undefined;
    },
  };
}

/** How much each term of a score counts: a comma list of names with numbers; what it does not name counts as it always does. */
export function weights(): ValueParser<Weights> {
  const names = Object.keys(DEFAULT_WEIGHTS);
  return {
    allowed: `a comma list of ${names.join(', ')}, each with = and a number from 0 to 1000, such as success=3,fit=0.5`,
    parse: (text) => {
      const given: Record<string, number> = {};
      for (const member of text.split(',')) {
        const [, name = '', value = ''] = /^\s*([a-z_]+)\s*=\s*(\d{1,4}(?:\.\d{1,6})?)\s*$/.exec(member) ?? [];
        if (!names.includes(name) || Object.hasOwn(given, name) || Number(value) > 1000) return undefined;
        given[name] = Number(value);
      }
      return { ...DEFAULT_WEIGHTS, ...given };
    },
  };
}

export function weightsText(all: Weights): string {
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

const LEVELS: Readonly<Record<string, LogLevel>> = {
  critical: 'fatal',
  fatal: 'fatal',
  error: 'error',
  warning: 'warn',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  notset: 'trace',
  trace: 'trace',
  silent: 'silent',
};

/** Python's level names and pino's, in any case. */
export function logLevel(): ValueParser<LogLevel> {
  return {
    allowed: `one of ${Object.keys(LEVELS).join(', ')}`,
    parse: (text) => (Object.hasOwn(LEVELS, text.toLowerCase()) ? LEVELS[text.toLowerCase()] : undefined),
  };
}

/** A URL as it may be shown: without user and password. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//…@');
}
