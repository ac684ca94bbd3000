import { expect, onTestFinished } from 'vitest';
import { ExpertiseDesk } from '../body/expertise-desk.ts';
import type { Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import type { LedgerEntry } from '../core/event.ts';
import { canonicalJson } from '../core/json.ts';
import { type MemoryEntry, memoryDocument, vectorText } from '../core/memory.ts';
import type { Worker } from '../core/worker.ts';
import { ngramVector } from '../memory/embedders/ngrams.ts';
import { newTask } from './pipeline.ts';
import { aTask, aWorker } from './scribe.ts';
import { atRest, SimClock } from './sim-clock.ts';

export const MODEL = 'ngrams:1';

export function bee(name: string): Worker {
  return aWorker({ id: name, profile: { name, capabilities: [], attributes: {}, maxConcurrentTasks: 1 } });
}

export function submit(description: string, id = description): Command {
  return { kind: 'submit', actor: 'eve', tasks: [newTask(id, { description }, 0)] };
}

export function written(name: string, text: string, isEmbedded = true, more: Partial<MemoryEntry> = {}): Document {
  const embedding = isEmbedded ? { model: MODEL, vector: vectorText([...ngramVector(text)]) } : null;
  const times = { createdAt: 0, updatedAt: new SimClock().now().wall, expiresAt: null };
  const value = JSON.stringify({ done: 1, failed: 0 });
  const rest = { version: 1, metadata: {}, vector: null, hash: '', text, embedding, ...times };
  const entry: MemoryEntry = { scope: 'colony.experience', key: `${name}/0`, value, ...rest, ...more };
  return memoryDocument(entry, 1);
}

/** As the ledger tells that a model has found out what texts of a scope mean. */
export function embedded(scope: string): LedgerEntry {
  const data = canonicalJson({ keys: ['ann/0'], model: MODEL, scope });
  const by = { source: 'neurosphere', actor: 'kernel', taskId: null, workerId: null } as const;
  return { id: 1, type: 'memory_embedded', at: 0, data, ...by };
}

/** A desk on made-up surroundings. */
export async function open(documents = [written('ann', 'translate a letter')]) {
  const clock = new SimClock();
  const all = {
    clock,
    documents,
    /** Texts that the model was asked for. */
    asked: [] as string[],
    embed: async (text: string) => ngramVector(text),
    isIdle: true,
    waiting: [bee('ann'), bee('bob')],
    commands: [] as Command[],
    /** What becomes of them. */
    execute: async (): Promise<unknown> => ({ entries: [] }),
    /** What is to be over before the store answers. */
    reading: Promise.resolve(),
    faults: [] as unknown[],
  };
  const desk = new ExpertiseDesk({
    clock,
    store: {
      worker: async (id) => bee(id),
      documentsNamed: async () => {
        const { documents: items } = all;
        await all.reading;
        return { items, more: false };
      },
    },
    embedding: {
      model: MODEL,
      get isIdle() {
        return all.isIdle;
      },
      vectorOf: (text) => {
        all.asked.push(text);
        return all.embed(text);
      },
    },
    waiting: () => all.waiting.map((worker) => ({ worker })),
    execute: ((command: Command) => {
      all.commands.push(command);
      return all.execute();
    }) as never,
    onFault: (fault) => all.faults.push(fault),
  });
  onTestFinished(() => {
    desk.stop();
    expect(all.faults).toEqual([]);
  });
  await desk.read();
  const near = (id: string) => desk.nearness({ ...aTask(), id }, all.waiting);
  const end = async (name: string, description: string, status: 'completed' | 'failed' = 'completed') => {
    const before = { ...aTask({ description }), id: description, status: 'executing', worker: name } as const;
    desk.ended(before, { ...before, status });
    await atRest();
  };
  return Object.assign(all, { desk, near, end });
}

/** How long it takes, as the clock says; at the most a second. */
export async function lasting(clock: SimClock, waiting: Promise<void> | null): Promise<number> {
  if (waiting === null) return 0;
  let isOver = false;
  void waiting.then(() => {
    isOver = true;
  });
  for (let ms = 0; ms <= 1000; ms += 5) {
    await atRest();
    if (isOver) return ms;
    await clock.advance(5);
  }
  return Number.POSITIVE_INFINITY;
}
