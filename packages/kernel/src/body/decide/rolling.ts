import type { Command } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { Saving } from '../../core/saved.ts';

/** While a rollback is under way nothing else happens. */
export const ROLLING = new Refusal('storage_unavailable', 'A rollback is under way; try again in a moment.', {
  retryAfterSeconds: 1,
});

/** What goes on all the same: the rollback's own. Which in turn may not go on once it is over, here or elsewhere. */
export function mayGoOn(command: Command, saving: Saving): boolean {
  const isOwn = command.kind === 'revoke_leases' && command.reason === 'rollback';
  return isOwn === (saving?.rolling ?? false);
}
