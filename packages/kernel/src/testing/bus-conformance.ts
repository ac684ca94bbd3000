import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EphemeralEvent, LedgerEntry } from '../core/event.ts';
import type { BusListener, EventBus } from '../core/event-bus.ts';
import type { Store } from '../core/store.ts';
import { about, DAWN } from './scribe.ts';

/** A kind of bus, with a store whose commits it carries. */
export interface BusDriver {
  open(): Promise<{ readonly bus: EventBus; readonly store: Store }>;
}

export const PROGRESS: EphemeralEvent = {
  type: 'task_progress',
  source: 'worker:bee-1',
  at: DAWN,
  data: '{"task_id":"t1"}',
  taskId: 't1',
  workerId: null,
};

/** Notes what it hears. */
export class Ear implements BusListener {
  readonly heard: LedgerEntry[] = [];
  readonly fromHere: boolean[] = [];
  readonly passing: EphemeralEvent[] = [];

  entries(entries: readonly LedgerEntry[], fromHere: boolean): void {
    this.heard.push(...entries);
    this.fromHere.push(fromHere);
  }

  ephemeral(event: EphemeralEvent): void {
    this.passing.push(event);
  }

  get ids(): number[] {
    return this.heard.map(({ id }) => id);
  }
}

/** What every bus must do, told as tests. */
export function exerciseBus(name: string, driver: BusDriver): void {
  async function begin() {
    const { bus, store } = await driver.open();
    onTestFinished(async () => {
      await bus.close();
      await store.close();
    });
    /** Commits and publishes, as the body does. */
    const say = async (count: number) => {
      const events = Array.from({ length: count }, (_, n) => about({ id: `t${n}` }));
      const { entries } = await store.commit([{ puts: [], events }], DAWN);
      bus.publish(entries);
      return entries;
    };
    return { bus, say };
  }

  describe(name, () => {
    test('every listener hears every entry, in the order of the ledger', async () => {
      const { bus, say } = await begin();
      const [one, two] = [new Ear(), new Ear()];
      bus.subscribe(one);
      bus.subscribe(two);
      const said: LedgerEntry[] = [];
      for (const count of [1, 3, 300, 1]) said.push(...(await say(count)));
      for (const ear of [one, two]) await vi.waitFor(() => expect(ear.heard).toEqual(said));
    });

    test('who has unsubscribed hears nothing more', async () => {
      const { bus, say } = await begin();
      const [gone, stays] = [new Ear(), new Ear()];
      const leave = bus.subscribe(gone);
      bus.subscribe(stays);
      leave();
      await say(2);
      await vi.waitFor(() => expect(stays.ids).toEqual([1, 2]));
      expect(gone.ids).toEqual([]);
    });

    test('what was published is delivered when it says so', async () => {
      const { bus, say } = await begin();
      const ear = new Ear();
      bus.subscribe(ear);
      await say(200);
      await bus.delivered();
      expect(ear.heard).toHaveLength(200);
    });

    test('an ephemeral event is heard at once', async () => {
      const { bus } = await begin();
      const ear = new Ear();
      bus.subscribe(ear);
      bus.publishEphemeral(PROGRESS);
      expect(ear.passing).toEqual([PROGRESS]);
      expect(bus.problem).toBeNull();
    });
  });
}
