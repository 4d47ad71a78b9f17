import type { Account } from './budget/account.ts';
import type { Bucket } from './history.ts';
import { sumSince, visitSince } from './measurement/observed.ts';

/** Number of bisections that narrow five minutes down to a millisecond. */
const HALVINGS = 19;

/**
 * Returns how long it takes until a condition holds for a window, with usual traffic and no further errors.
 *
 * @param seconds length of the window
 * @param condition condition on the counts in the window
 * @returns milliseconds; 0: it holds now. At most the length of the window
 */
export const timeUntilQuiet = (account: Account, seconds: number, condition: (sum: Bucket) => boolean): number =>
  timeUntil(account, { seconds, coming: 0 }, condition) ?? seconds * 1000;

/**
 * Returns how long it takes until a condition holds for a window, with usual traffic: the past leaves the window in the
 * order in which it entered, and the same amount of time enters.
 *
 * @param ahead.seconds length of the window
 * @param ahead.coming future errors per millisecond
 * @returns milliseconds; 0: it holds now. Null: not before the whole window has passed
 */
export function timeUntil(
  { observed, usual }: Account,
  { seconds, coming }: { seconds: number; coming: number },
  condition: (sum: Bucket) => boolean,
): number | null {
  const from = observed.now - seconds * 1000;
  let sum: Bucket = sumSince(observed, from);
  if (condition(sum)) return 0;
  let passed = 0;
  let isFound = false;
  visitSince(observed, from, (ms, oldEvents, oldErrors) => {
    if (isFound) return;
    const old = Number.isNaN(oldEvents) ? NO_EVENTS : { events: oldEvents, errors: oldErrors };
    const before = sum;
    const after = (share: number): Bucket => ({
      events: Math.max(0, before.events + (usual * ms - old.events) * share),
      errors: Math.max(0, before.errors + (coming * ms - old.errors) * share),
    });
    sum = after(1);
    isFound = condition(sum);
    passed += isFound ? ms * firstShare((share) => condition(after(share))) : ms;
  });
  return isFound ? passed : null;
}

const NO_EVENTS: Bucket = { events: 0, errors: 0 };

/** Bisects for the share between 0, where the condition does not hold, and 1, where it does, from which on it holds. */
function firstShare(condition: (share: number) => boolean): number {
  let [failsAt, holdsAt] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (failsAt + holdsAt) / 2;
    if (condition(middle)) holdsAt = middle;
    else failsAt = middle;
  }
  return holdsAt;
}
