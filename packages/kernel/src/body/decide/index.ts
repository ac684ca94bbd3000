import type { Announce, Command, Replies, Reply } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import * as cancelling from './cancel.ts';
import * as claiming from './claim.ts';
import type { Decision } from './decision.ts';
import * as remembering from './memory.ts';
import { followPlans } from './plan-progress.ts';
import * as planning from './plans.ts';
import * as policing from './policy.ts';
import * as quarantining from './quarantine.ts';
import * as releasing from './releases.ts';
import * as scheduling from './schedules.ts';
import * as settling from './settle.ts';
import * as submitting from './submit.ts';
import * as sweeping from './sweep.ts';
import * as unrouting from './unroutable.ts';
import * as voting from './votes.ts';
import * as workers from './workers.ts';

/**
 * The body's one state machine. `needs` notes what a command must know and does not yet; `decide` turns a command and
 * what is known into changes or a refusal. Both are pure: no clock, no randomness, no I/O, and nothing is written.
 */

export function needs(slice: Slice, command: Command, wanted: Wanted): void {
  switch (command.kind) {
    case 'submit':
      submitting.needs(slice, command, wanted);
      return;
    case 'submit_plan':
      planning.needsSubmit(slice, command, wanted);
      return;
    case 'cancel_plan':
      planning.needsCancel(slice, command, wanted);
      return;
    case 'claim':
      claiming.needs(slice, command, wanted);
      return;
    case 'complete':
    case 'fail':
    case 'release':
    case 'progress':
      settling.needs(slice, command, wanted);
      return;
    case 'cancel':
      cancelling.needsCancel(slice, command, wanted);
      return;
    case 'retry':
      cancelling.needsRetry(slice, command, wanted);
      return;
    case 'heartbeat':
    case 'drain':
    case 'unregister':
    case 'lose_worker':
    case 'revoke_leases':
      workers.needs(slice, command, wanted);
      return;
    case 'try_worker':
    case 'release_worker':
      quarantining.needs(command, wanted);
      return;
    case 'end_attempt':
    case 'promote':
    case 'recover':
      sweeping.needs(slice, command, wanted);
      return;
    case 'mark_unroutable':
      unrouting.needs(command, wanted);
      return;
    case 'go_on_releasing':
      releasing.needs(slice, command, wanted);
      return;
    case 'cast_ballot':
    case 'expire_vote':
      voting.needs(slice, command, wanted);
      return;
    case 'pause_schedule':
    case 'delete_schedule':
    case 'fire_schedule':
      scheduling.needs(slice, command, wanted);
      return;
    case 'put_memory':
    case 'embed_memory':
    case 'delete_memory':
    case 'expire_memory':
      remembering.needs(command, wanted);
      return;
    case 'set_policy':
      policing.needs(wanted);
      return;
    case 'register':
    case 'open_vote':
    case 'create_schedule':
    case 'announce':
      return;
  }
}

export function decide<C extends Command>(slice: Slice, command: C): Decision<Reply<C>> | Refusal {
  const decision = dispatch(slice, command) as Decision<Reply<C>> | Refusal;
  if ('change' in decision && decision.change) followPlans(decision.change);
  return decision;
}

function dispatch(slice: Slice, command: Command): Decision<Replies[keyof Replies]> | Refusal {
  switch (command.kind) {
    case 'submit':
      return submitting.decide(slice, command);
    case 'submit_plan':
      return planning.submit(slice, command);
    case 'cancel_plan':
      return planning.cancel(slice, command);
    case 'claim':
      return claiming.decide(slice, command);
    case 'complete':
      return settling.complete(slice, command);
    case 'fail':
      return settling.fail(slice, command);
    case 'release':
      return settling.release(slice, command);
    case 'progress':
      return settling.progress(slice, command);
    case 'cancel':
      return cancelling.cancel(slice, command);
    case 'retry':
      return cancelling.retry(slice, command);
    case 'register':
      return workers.register(slice, command);
    case 'heartbeat':
      return workers.heartbeat(slice, command);
    case 'drain':
      return workers.drain(slice, command);
    case 'unregister':
      return workers.unregister(slice, command);
    case 'lose_worker':
      return workers.lose(slice, command);
    case 'revoke_leases':
      return workers.revoke(slice, command);
    case 'try_worker':
      return quarantining.tryAgain(slice, command);
    case 'release_worker':
      return quarantining.release(slice, command);
    case 'end_attempt':
      return sweeping.endAttempt(slice, command);
    case 'promote':
      return sweeping.promote(slice, command);
    case 'recover':
      return sweeping.recover(slice, command);
    case 'mark_unroutable':
      return unrouting.mark(slice, command);
    case 'go_on_releasing':
      return releasing.goOn(slice, command);
    case 'set_policy':
      return policing.set(slice, command);
    case 'open_vote':
      return voting.open(slice, command);
    case 'cast_ballot':
      return voting.cast(slice, command);
    case 'expire_vote':
      return voting.expire(slice, command);
    case 'create_schedule':
      return scheduling.create(slice, command);
    case 'pause_schedule':
      return scheduling.pause(slice, command);
    case 'delete_schedule':
      return scheduling.remove(slice, command);
    case 'fire_schedule':
      return scheduling.fire(slice, command);
    case 'put_memory':
      return remembering.put(slice, command);
    case 'embed_memory':
      return remembering.embed(slice, command);
    case 'delete_memory':
      return remembering.remove(slice, command);
    case 'expire_memory':
      return remembering.expire(slice, command);
    case 'announce':
      return announce(slice, command);
  }
}

function announce(slice: Slice, command: Announce): Decision<Replies['announce']> {
  const change = new Change(slice, command.actor);
  change.event(command.event, 'kernel', command.data);
  return { change, reply: {} };
}
