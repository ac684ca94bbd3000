/** How much better tasks are routed by nearness of meaning: `npm run measure:nearness`, or `-- --half tuning`. */
import { parseArgs } from 'node:util';
import { systemClock } from '../packages/kernel/src/body/system-clock.ts';
import { isInstalled } from '../packages/kernel/src/memory/embedders/local/model.ts';
import { LocalEmbedder } from '../packages/kernel/src/memory/embedders/local-embedder.ts';
import { NgramEmbedder } from '../packages/kernel/src/memory/embedders/ngram-embedder.ts';
import { labelled } from '../packages/kernel/test/nearness/labelled.ts';
import { routed, worked } from '../packages/kernel/test/nearness/routing.ts';

const { values } = parseArgs({
  options: { half: { type: 'string', default: 'held out' }, trials: { type: 'string', default: '30' } },
});
const half = values.half === 'tuning' ? 'tuning' : 'held out';
const trials = Number(values.trials);

const SHAPES = [
  { kindsEach: 1, past: 3 },
  { kindsEach: 1, past: 10 },
  { kindsEach: 2, past: 4 },
  { kindsEach: 2, past: 10 },
  { kindsEach: 2, past: 30 },
];
const WORK = { atHome: 0.95, abroad: 0.4 };

const embedders = [new NgramEmbedder()];
const local = isInstalled() ? [new LocalEmbedder({ clock: systemClock(), changed: () => undefined })] : [];
console.log(`The half ${half === 'tuning' ? 'to tune with' : 'held out'}, ${trials} trials.`);
for (const embedder of [...embedders, ...local]) {
  const texts = await labelled(embedder, half);
  console.log(`\n${embedder.model}`);
  for (const shape of SHAPES) {
    const shares = [0, 0.2].map((wrong) => percent(routed(texts, { ...shape, wrong }, trials)));
    const without = percent(routed(texts, { ...shape, wrong: 0 }, trials, false));
    const { kindsEach, past } = shape;
    console.log(
      `${texts.size / kindsEach} workers, good at ${kindsEach}, ${past} past tasks each: ${shares[0]}; a fifth of the past wrong: ${shares[1]}; without: ${without}`,
    );
  }
  const [near, blind] = [true, false].map((isNear) => percent(worked(texts, WORK, trials, isNear)));
  console.log(`6 workers that begin with nothing, tasks that succeed: ${near}; without: ${blind}`);
  await embedder.close();
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
