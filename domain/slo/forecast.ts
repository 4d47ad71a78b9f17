import type { Forecast } from '../../schemas/slo-status.ts';
import { type Timestamp, timestamp } from '../../schemas/time.ts';
import { type Account, spentBy } from './account.ts';
import { certainWhole, isClaimed, likelyWhole } from './budget.ts';
import { burnsAt } from './burn.ts';
import { sumSince, visitSince } from './observed.ts';
import { tidy } from './rounding.ts';

const HOUR_MS = 3_600_000;

/** What is looked for: the first moment at which less than `level` of the budget is spent, or at least `level`. */
type Goal = { reach: 'below' | 'at_least'; level: number };

/** Spent shares from which policy warns and freezes, and below which it lifts a freeze. */
export type Levels = { warn: number; freeze: number; liftBelow: number };

/** What comes if traffic is as usual, and nothing else happens. What is so already is so now. */
export function forecastOf(account: Account, { warn, freeze, liftBelow }: Levels): Forecast {
  const lift: Goal = { reach: 'below', level: liftBelow };
  const present = presentErrors(account);
  const spentAt = (level: number): Timestamp | null =>
    present === null ? null : reached(account, { reach: 'at_least', level }, present);
  const spent = spentAt(1);
  return {
    spent_at: spent,
    warns_at: spentAt(warn),
    freezes_at: freeze === 1 ? spent : spentAt(freeze),
    burns_at: present === null ? { page: null, ticket: null } : burnsAt(account, present),
    warning_ends_at: reached(account, { reach: 'below', level: warn }, 0),
    lifts_at: reached(account, lift, 0),
    lifts_at_present_burn: present === null ? null : reached(account, lift, present),
  };
}

/** Errors in a millisecond, if as many of the usual events fail as in the last hour. Null: nothing happened in it. */
function presentErrors({ observed, usual }: Account): number | null {
  const { events, errors } = sumSince(observed, observed.now - HOUR_MS);
  return events === 0 ? null : (errors / events) * usual;
}

/** @param coming errors in a millisecond */
function reached(account: Account, goal: Goal, coming: number): Timestamp | null {
  if (account.sum.knownMs === 0 && account.sum.ms > 0) return null; // nothing is known to begin with
  const now = account.observed.now;
  const after = account.span.until === now ? inRolling(account, goal, coming) : inPeriod(account, goal, coming);
  return after === null ? null : timestamp(Math.ceil(now + after));
}

/** Errors of a period stay in it to its end; the next one has none. */
function inPeriod(account: Account, { reach, level }: Goal, coming: number): number | null {
  const left = account.span.until - account.observed.now;
  const whole = isClaimed(account) ? likelyWhole(account) : certainWhole(account);
  const share = tidy(spentBy(whole.errors, whole.events, account.allowed));
  if (reach === 'below') return share < level ? 0 : left;
  if (share >= level) return 0;
  const after = (level * account.allowed * whole.events - whole.errors) / coming;
  return after <= left ? after : null;
}

/**
 * In the order in which the past came into the window it leaves it, and as much time comes in. Within one of its
 * stretches everything rises or falls evenly, so that the moment is found exactly.
 *
 * Where too little is known to claim a budget, what is certain is looked ahead from: what is unknown leaves as so many
 * events without errors.
 */
function inRolling(account: Account, goal: Goal, coming: number): number | null {
  const { observed, allowed, span, sum, usual } = account;
  const isReached = isReachedBy(goal, allowed, sum.errors);
  let { errors, events } = isClaimed(account) ? sum : certainWhole(account);
  const eventsUnknown = isClaimed(account) ? 0 : events / sum.ms;
  if (isReached(errors, events)) return 0;
  let passed = 0;
  let found: number | null = null;
  visitSince(observed, span.from, (ms, oldEvents, oldErrors) => {
    if (found !== null) return;
    const known = !Number.isNaN(oldEvents);
    const errorsThen = errors + coming * ms - (known ? oldErrors : 0);
    const eventsThen = events + usual * ms - (known ? oldEvents : eventsUnknown * ms);
    if (isReached(errorsThen, eventsThen)) {
      const missing = errors - goal.level * allowed * events;
      const part = missing / (missing - (errorsThen - goal.level * allowed * eventsThen));
      found = passed + ms * (part >= 0 && part <= 1 ? part : 1);
    }
    errors = errorsThen;
    events = eventsThen;
    passed += ms;
  });
  return found;
}

type IsReached = (errors: number, events: number) => boolean;

/** @param scale errors, a billionth of which is nothing: what is left of them after all were taken away one by one */
function isReachedBy({ reach, level }: Goal, allowed: number, scale: number): IsReached {
  const shareOf = (errors: number, events: number): number =>
    errors <= scale * 1e-9 ? 0 : tidy(spentBy(errors, events, allowed));
  return reach === 'below'
    ? (errors, events) => shareOf(errors, events) < level
    : (errors, events) => shareOf(errors, events) >= level;
}
