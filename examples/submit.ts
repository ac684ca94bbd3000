/** Makes each file a task, waits for all of them, and prints what came out. */
import { readFile } from 'node:fs/promises';
import { ColonyClient } from '@colonyos/client';

const colony = new ColonyClient({
  url: process.env.COLONY_URL ?? 'http://127.0.0.1:8000',
  token: process.env.COLONY_SECRET_TOKEN,
});

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: submit.ts <file> …');
  process.exit(2);
}

// Submitted at the same moment, they travel in one request. Each promise resolves when its task is on disk.
const tasks = await Promise.all(
  files.map(async (file) =>
    colony.submit({
      description: `Count the words of ${file}`,
      payload: { text: await readFile(file, 'utf8') },
      requirements: { capability: 'counting' },
      tags: ['example'],
      max_retries: 2,
    }),
  ),
);
console.log(`${tasks.length} submitted, waiting for a worker that can count`);

for (const [index, { id }] of tasks.entries()) {
  const { status, result, error } = await colony.waitForTask(id);
  console.log(files[index], status, result ?? error);
}
