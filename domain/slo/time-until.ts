import type { Account } from './budget/account.ts';
import type { Bucket } from './history.ts';
import { sumSince, visitSince } from './measurement/observed.ts';

/** Number of bisections that narrow five minutes down to a millisecond. */
const HALVINGS = 19;

/**
 * Returns how long it takes until a condition holds for a window, with usual traffic and no further errors.
 *
 * @param seconds length of the window
 * @param isSo condition on the counts in the window
 * @returns milliseconds; 0: it holds now. At most the length of the window
 */
export const timeUntilQuiet = (account: Account, seconds: number, isSo: (sum: Bucket) => boolean): number =>
  timeUntil(account, { seconds, coming: 0 }, isSo) ?? seconds * 1000;

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
  isSo: (sum: Bucket) => boolean,
): number | null {
  const from = observed.now - seconds * 1000;
  let sum: Bucket = sumSince(observed, from);
  if (isSo(sum)) return 0;
  let passed = 0;
  let isFound = false;
  visitSince(observed, from, (ms, oldEvents, oldErrors) => {
    if (isFound) return;
    const old = Number.isNaN(oldEvents) ? NOTHING : { events: oldEvents, errors: oldErrors };
    const before = sum;
    const after = (share: number): Bucket => ({
      events: Math.max(0, before.events + (usual * ms - old.events) * share),
      errors: Math.max(0, before.errors + (coming * ms - old.errors) * share),
    });
    sum = after(1);
    isFound = isSo(sum);
    passed += isFound ? ms * firstShare((share) => isSo(after(share))) : ms;
  });
  return isFound ? passed : null;
}

const NOTHING: Bucket = { events: 0, errors: 0 };

/** Bisects for the share between 0, where the condition does not hold, and 1, where it does, from which on it holds. */
function firstShare(isSo: (share: number) => boolean): number {
  let [not, so] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (not + so) / 2;
    if (isSo(middle)) so = middle;
    else not = middle;
  }
  return so;
}
