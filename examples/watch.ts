/** Prints what happens in the colony, from now on or after the event whose number it is given. */
import { ColonyEvents } from '@colonyos/client';

const after = process.argv[2];
const since = after === undefined ? undefined : Number(after);
if (since !== undefined && !(Number.isSafeInteger(since) && since >= 0)) {
  console.error('usage: watch.ts [number of the last event that is known; 0 = from the beginning]');
  process.exit(2);
}

const events = new ColonyEvents({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
  since,
  onStateChange: (state) => console.error(`(${state})`),
});
process.once('SIGINT', () => events.close());

for await (const { id, type, data, source } of events) {
  // Progress and heartbeats are seen live only and have no number.
  console.log(`${id ?? '-'} ${type} ${source} ${JSON.stringify(data)}`);
}
console.log(`to go on from here: watch.ts ${events.lastId ?? 0}`);
