/** Long-term memory: agents write down what they have learned, and find it again by what it means. */
import { ColonyClient } from '@colonyos/client';

const colony = new ColonyClient({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
});
const memory = colony.memory.scope('example-recall');

const learned = [
  { key: 'refunds', topic: 'billing', text: 'Customers get their money back within 14 days.' },
  { key: 'invoices', topic: 'billing', text: 'Invoices are sent on the first day of each month.' },
  { key: 'passwords', topic: 'accounts', text: 'A forgotten password is reset by a link that is sent by mail.' },
  { key: 'lunch', topic: 'office', text: 'The canteen opens at noon.' },
];
await memory.putMany(learned.map(({ key, topic, text }) => ({ key, value: text, text, metadata: { topic } })));

async function recall(text: string, filter = {}): Promise<void> {
  const { matches, embedder, incomplete } = await memory.search<string>({ text, filter, top_k: 2 });
  console.log(`${text} (${embedder}${incomplete > 0 ? `, ${incomplete} not looked at` : ''})`);
  for (const { key, value, score } of matches) console.log(`  ${score.toFixed(4)} ${key}: ${value}`);
}

await recall('reimbursement of a purchase');
await recall('how do I log in again?');
await recall('when is it sent?', { topic: 'billing' });
