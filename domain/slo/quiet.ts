import type { Account } from './account.ts';
import type { Bucket } from './history.ts';
import { sumSince, visitSince } from './observed.ts';

/** Halvings of a stretch of five minutes until a millisecond is left of it. */
const HALVINGS = 19;

/**
 * How long it takes until something is so of a window, if nothing fails any more and traffic is as usual.
 *
 * @param seconds length of the window @param isSo what is looked for, of what happened in it
 * @returns milliseconds; 0: it is so now. It is so at the latest when all of the window has passed
 */
export const quietUntil = (account: Account, seconds: number, isSo: (sum: Bucket) => boolean): number =>
  soAfter(account, { seconds, coming: 0 }, isSo) ?? seconds * 1000;

/**
 * How long it takes until something is so of a window, if traffic is as usual: in the order in which the past came into
 * the window it leaves it, and as much time comes in.
 *
 * @param ahead.seconds length of the window @param ahead.coming errors in a millisecond of those that come
 * @returns milliseconds; 0: it is so now. Null: not before all of the window has passed
 */
export function soAfter(
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

/** Where between 0, at which it is not so, and 1, at which it is, it begins to be so. */
function firstShare(isSo: (share: number) => boolean): number {
  let [not, so] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (not + so) / 2;
    if (isSo(middle)) so = middle;
    else not = middle;
  }
  return so;
}
