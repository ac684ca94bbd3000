import { contentHash } from '../../core/chain.ts';
import type { Command } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { laneOf, requirementsKey } from '../../core/lane.ts';
import { type TaskInput, toSpec } from '../../core/task.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';
import { FORBIDDEN, RISKY } from './reviewer.ts';

/** A submission, repeated under its key until it is acknowledged. */
interface Submission {
  readonly key: string;
  readonly input: TaskInput;
  taskId: string | null;
  /** What it was acknowledged as before: there can be such only when a rollback took it away, key and all. */
  readonly earlier: string[];
  asked: boolean;
}

const LANES: readonly JsonObject[] = [{}, { capability: 'a' }, { capability: 'b' }, { cpu: 'medium' }];

export class Submitter implements Actor {
  readonly submissions: Submission[] = [];
  readonly #world: World;
  readonly #name: string;
  #begun = 0;
  #healing = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  act(): void {
    const { random } = this.#world;
    if (!this.#healing && random.chance(0.7)) this.#begin();
    for (const submission of this.submissions) {
      // Now and then an acknowledged one is sent again: a client that lost the answer cannot know.
      if (!submission.asked && (submission.taskId === null || random.chance(0.02))) void this.#send(submission);
    }
    const id = this.#anyTask();
    if (this.#healing || id === null) return;
    if (random.chance(0.1))
      void this.#ask({ kind: 'cancel', actor: this.#name, taskId: id, cascade: random.chance(0.5) });
    if (random.chance(0.1)) void this.#ask({ kind: 'retry', actor: this.#name, taskId: id });
  }

  disconnected(): void {
    for (const submission of this.submissions) submission.asked = false;
  }

  heal(): void {
    this.#healing = true;
  }

  done(): boolean {
    return this.submissions.every((submission) => submission.taskId !== null);
  }

  #begin(): void {
    const { random, clock, dice, fairness } = this.#world;
    const input: TaskInput = {
      description: `${random.chance(0.1) ? RISKY : 'plain'} task ${this.#begun++} of ${this.#name}`,
      tags: random.chance(0.05) ? [FORBIDDEN] : [],
      priority: random.between(0, 3),
      requirements: random.pick(LANES),
      max_retries: random.between(0, 2),
      timeout_seconds: random.between(1, 30),
      retry_backoff: { delay_seconds: random.between(0, 3), jitter: random.chance(0.5) },
    };
    input.group = dice.pick(fairness.groups);
    if (random.chance(0.2)) input.delay_seconds = random.between(0, 5);
    const ids = this.submissions.flatMap(({ taskId }) => taskId ?? []);
    if (ids.length > 0 && random.chance(0.3)) input.depends_on = [random.pick(ids), random.pick(ids)];
    if (ids.length > 0 && random.chance(0.2)) input.parent_id = random.pick(ids);
    this.submissions.push({ key: random.id(clock.now().steady), input, taskId: null, earlier: [], asked: false });
  }

  async #send(submission: Submission): Promise<void> {
    const { random, clock } = this.#world;
    submission.asked = true;
    const spec = toSpec(submission.input, this.#name, clock.now().wall);
    const json = JSON.stringify(spec);
    const lane = laneOf(requirementsKey(spec.requirements), submission.input.group ?? null);
    const id = random.id(clock.now().steady);
    const task = { id, spec, json, contentHash: contentHash(json), lane, path: '' };
    this.#world.tried.set(id, task);
    const answer = await this.#ask({
      kind: 'submit',
      actor: this.#name,
      idempotency: { key: submission.key, bodyHash: JSON.stringify(submission.input) },
      tasks: [task],
    });
    submission.asked = false;
    if (answer === null) return;
    if (answer instanceof Refusal) {
      const tooDeep = answer.code === 'validation_failed';
      if (tooDeep) submission.taskId ??= '';
      else this.#world.complaints.push(`a submission was refused: ${answer.code} ${answer.detail}`);
      if (tooDeep) this.submissions.splice(this.submissions.indexOf(submission), 1);
      return;
    }
    const known = (answer as { tasks: { id: string }[] }).tasks[0]!.id;
    if (submission.taskId !== null && submission.taskId !== known) submission.earlier.push(submission.taskId);
    submission.taskId = known;
  }

  #ask(command: Command): Promise<unknown> {
    return ask(this.#world, command);
  }

  #anyTask(): string | null {
    const ids = this.submissions.flatMap(({ taskId }) => taskId ?? []);
    return ids.length > 0 ? this.#world.random.pick(ids) : null;
  }
}
