import { onTestFinished } from 'vitest';
import type { Store } from '../../core/store.ts';
import { Scribe } from '../scribe.ts';

/** What a kind of store must bring along to be tested. */
export interface Driver {
  /** A new, empty store. */
  open(): Promise<Store>;
  /** Closes a store and opens what it kept. Absent where nothing outlives closing. */
  readonly reopen?: (store: Store) => Promise<Store>;
  /** Opens what a store keeps once more, as another kernel would. Absent where only one may write. */
  readonly join?: (store: Store) => Promise<Store>;
  /** Whether it can search memory. */
  readonly searches?: boolean;
}

/** A new store for this test, closed at its end. */
export async function openFor(driver: Driver): Promise<Scribe> {
  const scribe = new Scribe(await driver.open());
  onTestFinished(() => scribe.store.close());
  return scribe;
}
