import type { Clock } from '../../core/domain/ports/system.ts';
import { timestamp } from '../../schemas/time/time.ts';

/** The last time, and its text: a request reads the clock about fifteen times. */
let [last, text] = [0, timestamp(0)];

export const systemClock: Clock = {
  now: () => {
    const now = Date.now();
    if (now !== last) [last, text] = [now, timestamp(now)];
    return text;
  },
};
