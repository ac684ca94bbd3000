import { Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Vote, voteFrom } from '../../core/vote.ts';
import { DEFAULT_POLICY } from '../../guardian/default-policy.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';

/** What tasks say that a policy may want approved, and what tag it may forbid. */
export const RISKY = 'risky';
export const FORBIDDEN = 'forbidden';

const RULES: readonly JsonObject[] = [
  { id: 'risky', type: 'prohibited_pattern', action: 'require_approval', patterns: [RISKY] },
  { id: 'forbidden', type: 'requirement', action: 'reject', deny_tags: [FORBIDDEN] },
];

/** Puts policies into force, asks questions, and votes: in time or too late, twice, and where it may not. */
export class Reviewer implements Actor {
  readonly #world: World;
  #asked = 0;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random } = this.#world;
    if (this.#healing || random.chance(0.4)) void this.#vote();
    if (this.#healing) return;
    if (random.chance(0.05)) void this.#setPolicy();
    if (random.chance(0.05)) void this.#openVote();
  }

  disconnected(): void {}

  heal(): void {
    this.#healing = true;
  }

  async done(): Promise<boolean> {
    return (await this.#open()).length === 0;
  }

  async #setPolicy(): Promise<void> {
    const { random } = this.#world;
    const own = RULES.filter(() => random.chance(0.7));
    const { limits } = this.#world.fairness;
    const policy = { rules: [...own, ...DEFAULT_POLICY.rules], limits } as unknown as JsonObject;
    await ask(this.#world, { kind: 'set_policy', actor: 'reviewer', policy, expected: null });
  }

  async #openVote(): Promise<void> {
    const { random } = this.#world;
    const participants = ['ann', 'bob', 'eve'].slice(0, random.between(1, 3));
    const question = { id: `question-${this.#asked++}`, decision: 'Shall we?', participants };
    const limits = { threshold: random.pick([0.5, 0.66, 1]), expiresMs: random.between(5, 60) * 1000 };
    await ask(this.#world, { kind: 'open_vote', actor: 'reviewer', ...question, ...limits });
  }

  async #vote(): Promise<void> {
    const { random } = this.#world;
    const votes = await this.#open();
    if (votes.length === 0) return;
    const { id: voteId, participants, ballots } = random.pick(votes);
    const left = participants.filter((name) => !ballots.some(({ participant }) => participant === name));
    const participant = this.#healing ? left[0]! : random.pick([...participants, 'nobody']);
    const approve = this.#healing || random.chance(0.7);
    const ballot = { voteId, participant, approve, reason: null };
    const answer = await ask(this.#world, { kind: 'cast_ballot', actor: participant, ...ballot });
    if (participant === 'nobody' && answer !== null && !(answer instanceof Refusal))
      this.#world.complaints.push(`invariant 9: somebody voted on ${voteId} who is not among those who may`);
  }

  async #open(): Promise<Vote[]> {
    try {
      const { items } = await this.#world.store.documents({ collection: 'vote', state: 'open', limit: 1000 });
      return items.map(voteFrom);
    } catch {
      return [];
    }
  }
}
