import { Unrecognized } from '../../../core/actions/alerts/unrecognized.ts';
import type { Counters } from '../../../core/domain/ports/system.ts';

/** Counts an event that changes nothing. */
export type CountIgnored = (sender: string, answer: object) => Promise<void>;

/** Returns a function that counts events with the answer `ignored`: the sender gets 202, and does not notice. */
export function ignoredEvents({ counters }: { counters: Counters }): CountIgnored {
  const unrecognized = new Unrecognized(counters);
  return (sender, answer) =>
    'ignored' in answer && typeof answer.ignored === 'string'
      ? unrecognized.count('firebreak_events_ignored_total', sender, [answer.ignored])
      : Promise.resolve();
}
