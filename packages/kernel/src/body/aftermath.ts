import type { Now } from '../core/clock.ts';
import type { Assignment } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { Refusal } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Put } from '../core/store.ts';
import { isTerminal, type Task } from '../core/task.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Happened } from './happened.ts';
import { noticesOf } from './notices.ts';
import type { Presence } from './presence.ts';
import type { TaskWaiters } from './task-waiters.ts';

export interface AftermathOptions {
  readonly dispatcher: Dispatcher;
  readonly presence: Presence;
  readonly taskWaiters: TaskWaiters;
  readonly bus: EventBus;
  readonly leaseMs: number;
  /** Something will be due in so many milliseconds. */
  readonly expect: (delayMs: number) => void;
  /** Tasks were assigned to a link that has gone in the meantime. */
  readonly giveBack: (assignments: readonly Assignment[]) => void;
  /** @param by what did it; null: the colony's limit */
  readonly onHeldBack: (by: string | null) => void;
  /** An entry of the memory, as it is now. */
  readonly onRemembered: (document: Document) => void;
  /** A task that was with a worker is not any more, or has ended. */
  readonly onEnded: (before: Task, task: Task) => void;
  /** There will be something for somebody who waits in so many milliseconds. */
  readonly look: (delayMs: number) => void;
}

/** What follows a commit: who is connected, waiting or watching learns of it, and time is told what to look out for. */
export class Aftermath {
  readonly #options: AftermathOptions;
  readonly #said = new Set<string | null>();

  constructor(options: AftermathOptions) {
    this.#options = options;
  }

  follow({ now, changes, heldBack, passedOver, served, entries }: Happened): void {
    const { presence, dispatcher, bus, leaseMs, giveBack } = this.#options;
    for (const { puts, actor, goesOn } of changes) {
      for (const put of puts) this.#followPut(put, now);
      if (!goesOn && actor.startsWith('worker:')) presence.touch(actor.slice('worker:'.length), now);
    }
    if (heldBack) this.#sayHeldBack(null);
    for (const { by } of passedOver) for (const name of by) this.#sayHeldBack(name);
    if (dispatcher.opensInMs !== null) this.#options.look(dispatcher.opensInMs);
    for (const entry of entries) for (const notice of noticesOf(entry)) dispatcher.tell(notice);
    for (const { link, answer } of served) {
      if (answer instanceof Refusal || answer.assignments.length === 0) continue;
      if (dispatcher.isAttached(link)) link.assign(answer.assignments, now.wall + leaseMs);
      else giveBack(answer.assignments);
    }
    if (entries.length > 0) bus.publish(entries);
  }

  #followPut(put: Put, now: Now): void {
    const { presence, taskWaiters, expect } = this.#options;
    if (put.kind === 'worker') {
      if (put.next) presence.follow(put.next.id, put.next.offline, now);
      else if (put.prev) presence.forget(put.prev.id);
    } else if (put.kind === 'document') {
      if (put.next !== null && put.next.dueAt !== null) expect(put.next.dueAt - now.wall);
      if (put.next?.collection === 'memory') this.#options.onRemembered(put.next);
    } else if (put.kind === 'task' && put.next !== null) {
      const { prev, next } = put;
      if (isTerminal(next)) taskWaiters.ended(next);
      if (prev?.status === 'executing' && next.status !== 'executing') this.#options.onEnded(prev, next);
      if (next.dueAt !== null) expect(next.dueAt - now.wall);
      if (next.status === 'executing' && prev?.status !== 'executing') expect(next.timeoutMs);
      if (next.progress !== null && next.progress !== prev?.progress) this.#tellProgress(next, now);
    }
  }

  #sayHeldBack(by: string | null): void {
    if (this.#said.has(by)) return;
    this.#said.add(by);
    this.#options.onHeldBack(by);
  }

  #tellProgress({ id, worker, progress }: Task, now: Now): void {
    const { fraction, message } = progress!;
    this.#options.bus.publishEphemeral({
      type: 'task_progress',
      source: `worker:${worker}`,
      at: now.wall,
      data: JSON.stringify({ fraction, message, task_id: id, worker_id: worker }),
      taskId: id,
      workerId: worker,
    });
  }
}
