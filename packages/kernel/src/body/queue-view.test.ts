import { expect, test } from 'vitest';
import { LaneDirectory } from '../core/lane-directory.ts';
import { aWorker } from '../testing/scribe.ts';
import { QueueView } from './queue-view.ts';

test('which lanes there are for a worker follows the directory, which changes with commits', () => {
  const directory = new LaneDirectory();
  const queue = new QueueView(false);
  queue.survey(directory);
  const worker = aWorker({ id: 'maya' });
  const found = () => queue.lanesFor(worker).map(({ key }) => key);
  expect(found()).toEqual([]);
  directory.set('one', { key: 'one', requirements: {} });
  expect(found()).toEqual(['one']);
  directory.set('two', { key: 'two', requirements: {} });
  expect(found()).toEqual(['one', 'two']);
  directory.delete('one');
  expect(found()).toEqual(['two']);
});

test('what was found for one worker is not found for another', () => {
  const directory = new LaneDirectory();
  directory.set('for maya', { key: 'for maya', requirements: { worker: 'maya' } });
  const queue = new QueueView(false);
  queue.survey(directory);
  const found = (id: string) => queue.lanesFor(aWorker({ id })).map(({ key }) => key);
  expect([found('maya'), found('willi'), found('maya')]).toEqual([['for maya'], [], ['for maya']]);
});
