import type { Rules } from '../core/command.ts';
import type { Nearness } from '../core/mind-rules.ts';
import { soundNearness } from '../mind/nearness.ts';
import type { KernelObserver } from './kernel-options.ts';

/** With nearness that harms nobody, whatever it answers. @param learned what is known of nearness where the rules say nothing */
export function withSoundNearness(rules: Rules, observer: KernelObserver, learned: Nearness | null): Rules {
  const nearness = rules.mind.nearness ?? learned;
  if (nearness === null) return rules;
  const sound = soundNearness(nearness, (fault) => observer.fault(fault, 'nearness'));
  return { ...rules, mind: { ...rules.mind, nearness: sound } };
}
