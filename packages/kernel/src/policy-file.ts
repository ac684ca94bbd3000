import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { JsonObject } from './core/json.ts';
import type { RuleTypes } from './core/rule-types.ts';
import { parsePolicy } from './guardian/parse.ts';

/** A policy as a file has it, with the types of rules that its modules bring. */
export interface PolicyFile {
  readonly policy: JsonObject;
  readonly types: RuleTypes;
  /** Tells these contents from others. */
  readonly file: string;
}

/**
 * Reads the policy in a file, `{"modules": ["./rules.ts"], "rules": […]}`, and the modules that it names, relative to it.
 * Throws an Error with a sentence that says what is wrong and where.
 */
export async function readPolicyFile(path: string): Promise<PolicyFile> {
  const text = readFileSync(path, 'utf8');
  const { modules = [], ...policy } = objectIn(text) as JsonObject;
  if (!Array.isArray(modules) || !modules.every((one) => typeof one === 'string')) {
    throw new Error('/modules must be a list of paths');
  }
  const types: RuleTypes = Object.assign({}, ...(await Promise.all(modules.map((one) => typesIn(path, one)))));
  const parsed = parsePolicy({ ...policy, version: 1 }, types);
  if ('errors' in parsed) {
    const said = parsed.errors
      .slice(0, 3)
      .map(({ path: at, message }) => `${at === '' ? 'the policy' : at} ${message}`);
    throw new Error(said.join('; '));
  }
  return { policy, types, file: hash('sha256', text) };
}

function objectIn(text: string): object {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('it must be a JSON object {rules: […]}');
}

async function typesIn(path: string, module: string): Promise<RuleTypes> {
  const file = resolve(dirname(path), module);
  try {
    const { rules } = (await import(pathToFileURL(file).href)) as { rules?: unknown };
    if (typeof rules !== 'object' || rules === null) throw new Error('it exports no object "rules"');
    return rules as RuleTypes;
  } catch (error) {
    throw new Error(`the module ${module} cannot be used: ${(error as Error).message}`);
  }
}
