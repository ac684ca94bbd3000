import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FieldError, Refusal } from '../core/errors.ts';
import { jsonDepth } from '../core/json.ts';
import { invalid } from './problem.ts';

/** A request that does not have the shape its route's schema asks for. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';
  readonly refusal: Refusal;

  constructor(errors: readonly FieldError[]) {
    super('invalid request');
    this.refusal = invalid(errors);
  }
}

/** Checks values against a schema, once compiled. Nothing is ever coerced or filled in. */
export function validator(schema: TSchema): (value: unknown) => readonly FieldError[] | null {
  const compiled = Compile(schema);
  return (value) => (compiled.Check(value) ? null : fieldErrors(compiled.Errors(value)));
}

/** Of text without control characters, line breaks, and halves of surrogate pairs. */
export const ONE_LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ud800-\\udfff]*$';
/** What a name that others refer to is made of. */
export const KEY = '^[A-Za-z0-9_-]+$';

const SAID_OF = new Map([
  [ONE_LINE, 'must be a line without control characters'],
  [KEY, 'must be letters, digits, _ and -'],
]);
/** Of all other texts, which may contain anything but this. */
const UNCLEAN = 'must not contain a NUL or half a surrogate pair';

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: unknown;
  readonly message: string;
}

function fieldErrors(errors: Iterable<SchemaError>): FieldError[] {
  const all = [...errors];
  // Of a field that may be null as well, what it should otherwise be is what people want to know.
  const telling = all.filter((error) => !isAboutNull(error));
  const found: FieldError[] = [];
  for (const error of telling.length > 0 ? telling : all) {
    if (error.keyword === 'required') {
      const { requiredProperties } = error.params as { requiredProperties: readonly string[] };
      for (const name of requiredProperties)
        found.push({ path: `${error.instancePath}/${name}`, message: 'is required' });
    } else if (error.keyword === 'pattern') {
      const { pattern } = error.params as { pattern: string | RegExp };
      found.push({ path: error.instancePath, message: SAID_OF.get(String(pattern)) ?? UNCLEAN });
    } else if (error.keyword === 'enum') {
      const { allowedValues } = error.params as { allowedValues: readonly unknown[] };
      found.push({ path: error.instancePath, message: `must be one of ${allowedValues.join(', ')}` });
    } else {
      found.push({ path: error.instancePath, message: error.message });
    }
  }
  return found;
}

function isAboutNull({ keyword, params }: SchemaError): boolean {
  return keyword === 'anyOf' || (keyword === 'type' && (params as { type?: unknown }).type === 'null');
}

/** Marks a body that may be absent; its fields then all have their defaults. */
export const OPTIONAL_BODY = 'x-optional-body';
/** How deep a body of this schema may nest, where it is not `MAX_DEPTH`. */
export const BODY_DEPTH = 'x-max-depth';
/** How deep JSON may nest: a scalar is 0, `[]` is 1. */
export const MAX_DEPTH = 32;

/** Of bodies whose text was looked at. */
const depths = new WeakMap<object, number>();

export function rememberDepth(body: unknown, depth: number): void {
  if (typeof body === 'object' && body !== null) depths.set(body, depth);
}

export function tooDeep(value: unknown, limit: number = MAX_DEPTH): boolean {
  const known = typeof value === 'object' && value !== null ? depths.get(value) : undefined;
  if (known !== undefined) return known > limit;
  return jsonDepth(value, limit + 1) > limit;
}

/**
 * Fastify's validator compiler. Bodies are checked as they are. A query string is text, so exact whole numbers and
 * booleans are read as such, and only where the schema wants them.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'params' || httpPart === 'headers') return () => true;
  const check = validator(schema);
  if (httpPart === 'querystring') return queryValidator(schema, check);
  const optional = OPTIONAL_BODY in schema;
  const limit = ((schema as Record<string, unknown>)[BODY_DEPTH] as number | undefined) ?? MAX_DEPTH;
  return (body: unknown) => {
    if (optional && (body === undefined || body === null)) return { value: {} };
    const errors =
      check(body) ?? (tooDeep(body, limit) ? [{ path: '', message: `must not nest deeper than ${limit}` }] : null);
    return errors === null ? true : { error: new InvalidRequest(errors) };
  };
};

function queryValidator(schema: TSchema, check: ReturnType<typeof validator>) {
  const properties = Object.entries((schema as { properties?: Record<string, { type?: string }> }).properties ?? {});
  return (query: Record<string, unknown>) => {
    for (const [name, { type }] of properties) {
      const text = query[name];
      if (typeof text === 'string') query[name] = readQueryValue(text, type);
    }
    const errors = check(query);
    if (errors === null) return true;
    return {
      error: new InvalidRequest(errors.map(({ path, message }) => ({ path: `query.${path.slice(1)}`, message }))),
    };
  };
}

function readQueryValue(text: string, type: string | undefined): unknown {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (type === 'boolean') {
    if (/^(true|1)$/i.test(text)) return true;
    if (/^(false|0)$/i.test(text)) return false;
  }
  return text;
}
