/** Whatever has happened in a colony, it is the same on Redis as in a file, and again in another file. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command } from '../src/core/command.ts';
import { RedisStore } from '../src/store/redis/store.ts';
import { SqliteStore } from '../src/store/sqlite/store.ts';
import { type Action, action, commandOf, OPENING } from '../src/testing/model/actions.ts';
import { Model } from '../src/testing/model/model.ts';
import { Pipeline } from '../src/testing/pipeline.ts';
import { type Names, portrait } from '../src/testing/portrait.ts';
import { RedisServer } from '../src/testing/redis-server.ts';
import { RULES } from '../src/testing/rules.ts';
import { Scribe } from '../src/testing/scribe.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const DAY_MS = 86_400_000;
/** So many actions lie between checkpoints. */
const CHECKPOINT_EVERY = 12;

/** A colony that lives through some actions; the model only says which tasks and workers they are about. */
class Life {
  readonly pipeline: Pipeline;
  readonly #model = new Model(RULES);

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
    this.#model.now = pipeline.clock.now();
  }

  async act({ what }: Action): Promise<void> {
    const { clock, store } = this.pipeline;
    if (what.kind === 'wait') await clock.advance(what.ms);
    else if (what.kind === 'jump') clock.jump(what.ms);
    else if (what.kind === 'forget') {
      const before = clock.now().wall - 1000;
      this.#model.forget(before);
      await store.prune({ endedBefore: before, ledgerBefore: before, idempotencyBefore: before - DAY_MS }, 1000);
    } else {
      const command = commandOf(what, this.#model);
      if (command.kind === 'submit' && (await this.#isOnForgotten(command))) return;
      this.#model.run(command);
      await this.pipeline.run(command);
    }
    this.#model.now = clock.now();
  }

  /** Whether it depends on what the ledger tells of no more: the model, which has no ledger to prune, still knows of that. */
  async #isOnForgotten({ tasks }: Command & { kind: 'submit' }): Promise<boolean> {
    const loaded = await this.pipeline.store.load({ tasks: tasks.flatMap(({ spec }) => spec.depends_on) });
    return [...loaded.tasks.values()].includes(null);
  }

  get names(): Names {
    return { tasks: this.#model.tasks.map(({ id }) => id), keys: this.#model.keys.map(({ key }) => key) };
  }
}

test('moved from a file to Redis and back into a file, everything is as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 80, size: 'max' }), async (actions) => {
      const life = new Life(await Pipeline.open());
      const { store } = life.pipeline;
      const redis = await RedisStore.open({ url: server.url, colony: randomUUID() });
      const again = await SqliteStore.open({ path: ':memory:' });
      try {
        for (const one of OPENING) await life.act(one);
        for (const [number, one] of actions.entries()) {
          if (number % CHECKPOINT_EVERY === 0) await new Scribe(store).save({ number, rolling: false });
          await life.act(one);
        }
        const before = await portrait(store, life.names, false);
        await redis.restore(store.dump());
        expect(await portrait(redis, life.names, false)).toEqual(before);
        await again.restore(redis.dump());
        expect(await portrait(again, life.names, false)).toEqual(before);
        const next = async (one: typeof store) => (await one.load({ sequences: 1 })).firstSequence;
        expect(await next(again)).toBe(await next(store));
      } finally {
        await Promise.all([store.close(), redis.close(), again.close()]);
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 12_000 },
  );
});
