/** What every store must do, done by SQLite: in a file, and in memory. */
import { exerciseStore } from '../../testing/store-conformance/index.ts';
import { temporaryPath } from '../../testing/temporary-path.ts';
import { SqliteStore } from './store.ts';

const paths = new WeakMap<object, string>();

async function open(path: string): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path });
  paths.set(store, path);
  return store;
}

exerciseStore('SQLite in a file', {
  open: () => open(temporaryPath('colony.db')),
  async reopen(store) {
    await store.close();
    return open(paths.get(store)!);
  },
  searches: true,
});

exerciseStore('SQLite in memory', { open: () => SqliteStore.open({ path: ':memory:' }), searches: true });
