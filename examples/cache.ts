/** A cache: what is expensive to find out is found out once, and by all agents shared, until it is too old. */
import { createHash } from 'node:crypto';
import { ColonyClient } from '@colonyos/client';

const colony = new ColonyClient({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
});
const cache = colony.memory.scope('example-cache');

let asked = 0;

/** Stands for a model, or anything else that takes time or money. */
async function translate(text: string): Promise<string> {
  asked++;
  return text.toUpperCase();
}

async function translated(text: string): Promise<string> {
  // A key has 512 characters at the most, a text may have more.
  const key = createHash('sha256').update(text).digest('hex');
  const known = await cache.get<string>(key);
  if (known) return known.value;
  const value = await translate(text);
  await cache.put(key, value, { ttl_seconds: 24 * 3600 });
  return value;
}

for (const text of ['hello', 'world', 'hello', 'hello', 'world']) console.log(text, '→', await translated(text));
console.log(`asked ${asked} times`);
