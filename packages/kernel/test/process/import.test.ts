/** `colonyos import`, as people run it: a colony that goes on is exported, and another one made of that. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { ColonyClient, ColonyNetworkError } from '@colonyos/client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../src/testing/redis-server.ts';
import { temporaryPath } from '../../src/testing/temporary-path.ts';
import { colonyos } from '../colonyos.ts';
import { ODD } from '../exports.ts';
import { KernelProcess } from '../kernel-process.ts';

/** Programs are started here a dozen times; on a machine that does ten other things each takes seconds. */
const PATIENCE_MS = 180_000;
const SOON = { timeout: 60_000 };

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const importing = (...args: string[]) => colonyos('import', ...args);

/** A kernel that keeps its colony in a file, or under a name on the Redis. */
async function start(place: { file: string } | { colony: string }) {
  const kernel = await KernelProcess.start(
    'file' in place
      ? { COLONY_MEMORY_CONNECTION_STRING: place.file, COLONY_SYSTEM_ID: 'hive' }
      : {
          COLONY_MEMORY_BACKEND: 'redis',
          COLONY_MEMORY_CONNECTION_STRING: server.url,
          COLONY_SYSTEM_ID: place.colony,
        },
  );
  onTestFinished(() => void kernel.end('SIGKILL'));
  const client = new ColonyClient({ url: kernel.url });
  return { kernel, client, stop: async () => expect(await kernel.end('SIGTERM')).toBe(0) };
}

/** Writes what a kernel exports to a file. */
async function exported(client: ColonyClient): Promise<string> {
  const file = temporaryPath('colony.ndjson');
  writeFileSync(file, (await Array.fromAsync(client.exportColony())).join(''));
  return file;
}

/** What clients see of a colony; not of its kernels' comings and goings, nor of times that go on. */
async function view(client: ColonyClient): Promise<unknown> {
  const { entries } = await client.audit({ limit: 1000 });
  return {
    tasks: (await client.listTasks({ limit: 1000 })).map((task) => ({ ...task, elapsed_seconds: null })),
    workers: (await client.listWorkers()).map((worker) => ({ ...worker, last_heartbeat: null })),
    entries: entries
      .filter(({ event_type }) => !/^(kernel|checkpoint)_/.test(event_type))
      .map(({ hash: _, prev_hash: __, ...entry }) => entry),
  };
}

test(
  'a colony is exported while it goes on, becomes one on Redis, and one in a file again',
  async () => {
    const here = await start({ file: temporaryPath('a.db') });
    const { client } = here;
    const acknowledged: string[] = [];
    let isOver = false;
    async function work(): Promise<void> {
      const bee = await client.registerWorker({ name: 'bee', capabilities: [], max_concurrent_tasks: 2 });
      while (!isOver) {
        acknowledged.push((await client.submit({ description: ODD, payload: { ODD } })).id);
        const [task] = await client.claim(bee.id);
        if (task) await client.complete(task.id, task.lease.token, ODD);
      }
    }
    const working = work();
    await expect.poll(() => acknowledged.length, SOON).toBeGreaterThan(50);
    const before = [...acknowledged];
    const file = await exported(client);
    const during = new Set(acknowledged);
    await expect.poll(() => acknowledged.length, SOON).toBeGreaterThan(during.size + 20);
    isOver = true;
    await working;

    const colony = randomUUID();
    const head = JSON.stringify(await client.auditHead());
    const { code, out, err } = await importing(file, '--to', server.url, '--system-id', colony, '--public-key', head);
    expect(code, err).toBe(0);
    expect(out).toMatch(/^imported \d+ tasks, 0 removed tasks, 1 workers, \d+ ledger entries, \d+ idempotency keys\n/);
    expect(out).toMatch(
      /\ncolony hive as of \S+Z, signed with key [0-9a-f]{16}, as expected\nledger verified: head [0-9a-f]{64}\n$/,
    );

    const there = await start({ colony });
    const found = (await there.client.listTasks({ limit: 1000 })).map(({ id }) => id);
    expect(before.filter((id) => !found.includes(id))).toEqual([]);
    expect(found.filter((id) => !during.has(id))).toEqual([]);
    expect(await there.client.verifyAudit()).toMatchObject({ valid: true });
    const { entries } = await there.client.audit({ limit: 1000, since: 0 });
    const submitted = entries.filter(({ event_type }) => event_type === 'task_submitted');
    expect(submitted.map(({ details }) => details.task_id).sort()).toEqual(found.toSorted());

    const seen = await view(there.client);
    const back = temporaryPath('b.db');
    expect(await importing(await exported(there.client), '--to', back)).toMatchObject({ code: 0 });
    await there.stop();
    const again = await start({ file: back });
    expect(await view(again.client)).toEqual(seen);
    expect(await again.client.verifyAudit()).toMatchObject({ valid: true });
  },
  PATIENCE_MS,
);

test(
  'an export that a kill cuts off is refused, and the kernel exports anew when it is back',
  async () => {
    const path = temporaryPath('a.db');
    const { kernel, client } = await start({ file: path });
    const task = { description: 'x', payload: 'x'.repeat(4000) };
    for (let n = 0; n < 16; n++) await client.submitMany(Array.from({ length: 200 }, () => task));
    const pieces = client.exportColony();
    const first = await pieces.next();
    await kernel.end('SIGKILL');
    const file = temporaryPath('cut.ndjson');
    const rest: string[] = [first.value as string];
    await expect(
      (async () => {
        for await (const piece of pieces) rest.push(piece);
      })(),
    ).rejects.toThrow(ColonyNetworkError);
    writeFileSync(file, rest.join(''));
    const target = temporaryPath('target.db');
    const { code, out, err } = await importing(file, '--to', target);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^colonyos import: .*cut\.ndjson: its end is missing: it was cut off behind line \d+$/m);
    expect(existsSync(target)).toBe(false);

    const again = await start({ file: path });
    const whole = await exported(again.client);
    const compressed = temporaryPath('colony.ndjson.gz');
    writeFileSync(compressed, gzipSync(readFileSync(whole)));
    expect(await importing(compressed, '--to', target)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^imported 3200 tasks, /),
    });
  },
  PATIENCE_MS,
);

describe('refuses in one line, and changes nothing:', () => {
  async function refusal(...args: string[]): Promise<string> {
    const { code, out, err } = await importing(...args);
    expect([code, out]).toEqual([1, '']);
    const lines = err.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('colonyos import: '))).toEqual([lines.at(-1)]);
    return lines.at(-1)!;
  }

  test(
    'a file that is not there, that is none, or that others have signed; and a place where something is',
    async () => {
      const path = temporaryPath('a.db');
      const here = await start({ file: path });
      await here.client.submit({ description: 'x' });
      const file = await exported(here.client);
      const target = temporaryPath('target.db');
      expect(await refusal('.', '--to', target)).toContain('.: cannot be read (EISDIR)');
      expect(await refusal('nowhere', '--to', target)).toContain('nowhere: cannot be read (ENOENT)');
      expect(await refusal(path, '--to', target)).toContain('is not what GET /system/export answers');
      const other = Buffer.alloc(32, 7).toString('base64');
      expect(await refusal(file, '--to', target, '--public-key', other)).toContain('and not with the expected one');
      expect(await refusal(file, '--to', target, '--public-key', 'gibberish')).toContain('--public-key "gibberish"');
      expect(await refusal(file, '--to', 'ftp://x')).toContain('is neither the path of a SQLite file nor redis://');
      expect(existsSync(target)).toBe(false);
      expect(await refusal(file, '--to', path)).toMatch(/a\.db: .*(in use|running|kernel)/);
      await here.stop();
      const bytes = readFileSync(path);
      expect(await refusal(file, '--to', path)).toContain('it is not empty: it holds 1 tasks');
      expect(await refusal(file, '--to', path, '--force')).toContain('it is not empty: it holds 1 tasks');
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
    PATIENCE_MS,
  );
});
