import type { Saving } from '../../core/saved.ts';
import { savingText } from '../saved.ts';

/** Stands for how the store saves, where that does not matter or does not change. */
export const WHATEVER = '*';

/** How the store must save for something, as a script is told. @param saving undefined: however it does */
export function expectedText(saving: Saving | undefined): string {
  return saving === undefined ? WHATEVER : savingText(saving);
}

/** Tells a script whether the store saves otherwise than it must. */
export const SAVES_OTHERWISE = `
local function savesOtherwise(prefix, expected)
  return expected ~= '${WHATEVER}' and (redis.call('HGET', prefix .. 'meta', 'saving') or '') ~= expected
end
`;
