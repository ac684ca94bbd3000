import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import type { Caller } from './caller.ts';
import { count, type Told } from './told.ts';

export const PARTICIPANTS = ['ann', 'bob', 'eve'];

interface WireVote {
  readonly id: string;
  readonly ballots: readonly { readonly participant: string }[];
}

/** Whoever finds that a vote is over, or gone with a rollback, has come too late: no harm in that. */
const TOO_LATE = ['ballot_already_cast', 'invalid_transition', 'vote_not_found'];

/** One of those who vote: on what is open, now and then twice; and asks a question of its own. */
export class Reviewer {
  readonly #caller: Caller;
  readonly #told: Told;
  readonly #name: string;
  readonly #random: Random;
  isAsking = true;
  isWorking = true;

  constructor(caller: Caller, told: Told, name: string, random: Random) {
    this.#caller = caller;
    this.#told = told;
    this.#name = name;
    this.#random = random;
  }

  async work(): Promise<void> {
    while (this.isWorking) {
      const { body } = await this.#caller.get('/votes?status=open&limit=50');
      let cast = 0;
      for (const { id, ballots } of body as WireVote[]) {
        const isDone = ballots.some(({ participant }) => participant === this.#name);
        if (isDone && !this.#random.chance(0.05)) continue;
        if (cast++ === 10) break;
        await this.#cast(id);
      }
      if (this.isAsking && this.#random.chance(0.05)) await this.#ask();
      if (cast === 0) await pause(20);
    }
  }

  async #cast(id: string): Promise<void> {
    const approve = this.#random.chance(0.75);
    const ballot = { participant: this.#name, approve, reason: approve ? null : 'I would rather not' };
    const { status, body } = await this.#caller.post(`/votes/${id}/ballots`, ballot, TOO_LATE);
    if (status !== 200) return;
    const own = (body as WireVote).ballots.filter(({ participant }) => participant === this.#name);
    if (own.length !== 1) this.#caller.problems.push(`${this.#name} has ${own.length} ballots in the vote ${id}`);
    count(this.#told.ballots, `${id} ${this.#name} ${approve}`);
  }

  async #ask(): Promise<void> {
    const question = { decision: `What does ${this.#name} want?`, participants: PARTICIPANTS };
    const { body } = await this.#caller.post('/votes', question);
    this.#told.questions.add((body as WireVote).id);
  }
}
