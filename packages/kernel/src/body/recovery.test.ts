/** What a kernel cannot know of its store's failures is put right once it can, however often that fails. */
import { expect, test } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import { FaultyStore, NO_FAULTS } from '../testing/faulty-store.ts';
import { type LoneKernel, loneKernel } from '../testing/lone-kernel.ts';
import { before } from '../testing/meddling.ts';
import { Random } from '../testing/random.ts';

/** As often as a kernel looks what is to be done. */
const A_MOMENT_MS = 250;

interface Scene extends LoneKernel {
  readonly faulty: FaultyStore;
  status(): Promise<string>;
  /** Lets time pass, a moment after the other and much less than a lease, until the store has failed once more. */
  fails(): Promise<void>;
  /** The same until the task is queued again. */
  goesOn(): Promise<void>;
}

/** A task is queued, and maya could take it. */
async function scene(): Promise<Scene> {
  let faulty!: FaultyStore;
  const it = await loneKernel((store) => {
    faulty = new FaultyStore(store, new Random(1));
    return faulty;
  });
  await it.elsewhere.hire('maya');
  await it.elsewhere.submit('t');
  it.tell();
  const status = async () => (await it.elsewhere.task('t')).status;
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (let moments = 0; moments < 20; moments++) {
      await it.clock.advance(A_MOMENT_MS);
      await it.rest();
      if (await isSo()) return;
    }
    expect.fail(`it is not so after ${20 * A_MOMENT_MS} ms`);
  }
  return {
    ...it,
    faulty,
    status,
    fails() {
      const before = faulty.faults;
      return until(async () => faulty.faults > before);
    },
    goesOn: () => until(async () => (await status()) === 'queued'),
  };
}

test('a task that was assigned by a commit without an answer goes back, also when that fails at first', async () => {
  const { kernel, faulty, status, fails, goesOn } = await scene();
  faulty.rates = { ...NO_FAULTS, replyLost: 1 };
  await expect(kernel.workers.claim('maya', 1, 0, new AbortController().signal)).rejects.toThrow(StorageUnavailable);
  expect(await status()).toBe('executing');
  for (let round = 0; round < 2; round++) {
    faulty.rates = { ...NO_FAULTS, commitFails: 1 };
    await fails();
    expect(await status()).toBe('executing');
  }
  faulty.rates = NO_FAULTS;
  await goesOn();
});

test('a task for a claim that nobody waits for any more goes back, also when that fails at first', async () => {
  const { kernel, faulty, status, goesOn } = await scene();
  const waits = new AbortController();
  const isGivenBack = () => waits.signal.aborted;
  before(faulty, 'commit', async () => waits.abort());
  const fail = async () => {
    faulty.rates = { ...NO_FAULTS, commitFails: 1 };
  };
  before(faulty, 'commit', fail, isGivenBack);
  expect(await kernel.workers.claim('maya', 1, 60_000, waits.signal)).toEqual([]);
  expect(await status()).toBe('executing');
  faulty.rates = NO_FAULTS;
  await goesOn();
});
