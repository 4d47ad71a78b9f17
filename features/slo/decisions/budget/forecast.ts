import type { Forecast } from '../../../../schemas/slo/slo-status.ts';
import { type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { type Account, spentBy } from './account.ts';
import { certainWhole, isKnownWellEnough, likelyWhole } from './budget.ts';
import { burnsAt } from './burn.ts';
import { sumSince, visitSince } from '../measurement/observed.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';

const HOUR_MS = 3_600_000;

/** Target of a forecast: the first moment at which the spent share is below, or at least, `level`. */
type Goal = { reach: 'below' | 'at_least'; level: number };

/** Spent shares at which the policy warns and freezes, and below which it lifts a freeze. */
export type Levels = { warn: number; freeze: number; liftBelow: number };

/** Forecasts the budget for usual traffic and no other changes. A condition that already holds has the current time. */
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

/**
 * Returns errors per millisecond if the same share of usual events fails as in the last hour. Null: no events in the
 * last hour.
 */
function presentErrors({ observed, usual }: Account): number | null {
  const { events, errors } = sumSince(observed, observed.now - HOUR_MS);
  return events === 0 ? null : (errors / events) * usual;
}

/** @param coming errors per millisecond */
function reached(account: Account, goal: Goal, coming: number): Timestamp | null {
  if (account.sum.knownMs === 0 && account.sum.ms > 0) return null; // nothing to extrapolate from
  const now = account.observed.now;
  const after = account.span.until === now ? inRolling(account, goal, coming) : inPeriod(account, goal, coming);
  return after === null ? null : timestamp(Math.ceil(now + after));
}

/**
 * Returns milliseconds until the goal. Errors stay in a calendar period until its end; the next period starts with
 * none.
 */
function inPeriod(account: Account, { reach, level }: Goal, coming: number): number | null {
  const left = account.span.until - account.observed.now;
  const whole = isKnownWellEnough(account) ? likelyWhole(account) : certainWhole(account);
  const share = tidy(spentBy(whole.errors, whole.events, account.allowed));
  if (reach === 'below') return share < level ? 0 : left;
  if (share >= level) return 0;
  const after = (level * account.allowed * whole.events - whole.errors) / coming;
  return after <= left ? after : null;
}

/**
 * Returns milliseconds until the goal. The past leaves the window in the order in which it entered, and the same amount
 * of time enters. Within each stretch, the values change linearly, so the moment is exact.
 *
 * If too little is known to state the budget, the forecast starts from the certain minimum: the unknown part leaves as
 * events without errors.
 */
function inRolling(account: Account, goal: Goal, coming: number): number | null {
  const { observed, allowed, span, sum, usual } = account;
  const isReached = isReachedBy(goal, allowed, sum.errors);
  let { errors, events } = isKnownWellEnough(account) ? sum : certainWhole(account);
  const eventsUnknown = isKnownWellEnough(account) ? 0 : events / sum.ms;
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

/**
 * @param scale number of errors; a billionth of it counts as zero, to absorb the rounding that remains after all errors
 *   were subtracted one by one
 */
function isReachedBy({ reach, level }: Goal, allowed: number, scale: number): IsReached {
  const shareOf = (errors: number, events: number): number =>
    errors <= scale * 1e-9 ? 0 : tidy(spentBy(errors, events, allowed));
  return reach === 'below'
    ? (errors, events) => shareOf(errors, events) < level
    : (errors, events) => shareOf(errors, events) >= level;
}
