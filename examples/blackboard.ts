/** A blackboard: several agents write what they find under keys of one scope, and one of them sums it up. */
import { ColonyClient } from '@colonyos/client';

const colony = new ColonyClient({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
});
const board = colony.memory.scope('example-blackboard');

interface Finding {
  readonly agent: string;
  readonly words: number;
}

// Each agent has a key of its own, so none stands in another's way.
const texts = ['the quick brown fox', 'jumps over', 'the lazy dog'];
await Promise.all(
  texts.map((text, n) => {
    const finding: Finding = { agent: `agent-${n}`, words: text.split(' ').length };
    return board.put(`finding/${n}`, finding, { ttl_seconds: 3600 });
  }),
);

// What all of them change is changed by `update`: whoever comes late is asked again, on what is there by then.
await Promise.all(texts.map((_, n) => board.update<string[]>('done', (done) => [...(done ?? []), `agent-${n}`])));

let words = 0;
for await (const { key, value } of board.list<Finding>({ prefix: 'finding/' })) {
  console.log(`${key}: ${value.agent} found ${value.words} words`);
  words += value.words;
}
const done = await board.get<string[]>('done');
console.log(`${words} words, by ${done?.value.length} agents`);
