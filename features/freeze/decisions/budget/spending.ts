import type { BurnAlert, SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { tidy } from '../../../../core/domain/monitoring/rounding.ts';
import type { FreezePolicy } from '../policy.ts';
import { percent } from '../words.ts';

/**
 * Returns the spent share of the budget: the likely value or, if too little is known, the certain minimum. 1 is the
 * whole budget.
 */
export const spentShare = ({ remaining, spent_at_least: atLeast }: SloStatus['budget']): number =>
  remaining === null ? atLeast : tidy(1 - remaining);

/** Returns whether at least this share of the budget is certainly spent, and significantly so. */
export const hasSpent = ({ budget }: Pick<SloStatus, 'budget'>, share: number): boolean =>
  budget.significant && spentShare(budget) >= share;

/**
 * Formats the spent share, as in `120.4 %`, or `at least 120.4 %` if too little of the window is known. With
 * corrections, adds the share without them.
 */
export const spentInWords = ({ budget, corrected }: Pick<SloStatus, 'budget' | 'corrected'>): string =>
  corrected == null
    ? shareInWords(budget)
    : `${shareInWords(budget)} (${shareInWords(corrected.uncorrected.budget)} without corrections)`;

const shareInWords = (budget: SloStatus['budget']): string =>
  `${budget.remaining === null ? 'at least ' : ''}${percent(spentShare(budget))}`;

/** Formats the corrections that a decision relies on, as a clause. Empty: none. */
export const exclusionInWords = (status: Pick<SloStatus, 'corrected'>): string =>
  status.corrected == null ? '' : `; not counted: ${correctionsInWords(status)}`;

/** Describes the corrections of a status, as in `load_test "Rehearsal" (ada)`. Empty: none applies. */
export function correctionsInWords({ corrected }: Pick<SloStatus, 'corrected'>): string {
  if (corrected == null) return '';
  const named = corrected.corrections.map(
    ({ category, reason, created_by: by }) => `${category} ${JSON.stringify(reason)} (${by})`,
  );
  const more = corrected.count - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** Returns the age in whole seconds of the newest data. Null: there were never any data. */
export const dataAge = ({ data_at }: Pick<SloStatus, 'data_at'>, at: Timestamp): number | null =>
  data_at === null ? null : Math.floor(Math.max(0, secondsBetween(data_at, at)));

/**
 * Returns why the budget is unknown although it may be spent: too much of its window could not be read. Null: it is
 * known; there are no more data to read, as for a new service; or the policy turns budget freezes off.
 */
export const unreadBudget = ({ budget, unread }: SloStatus, policy: Pick<FreezePolicy, 'budget'>): string | null =>
  policy.budget === null || budget.remaining !== null ? null : (unread ?? null);

/** Returns whether the data are older than the policy accepts, or there were never any. */
export function isTooOld(status: SloStatus, { stale }: Pick<FreezePolicy, 'stale'>, at: Timestamp): boolean {
  const seconds = dataAge(status, at);
  return seconds === null || seconds > stale.afterSeconds;
}

/** Returns whether the data are older than the policy accepts, or insufficient. */
export const isStale = (status: SloStatus, policy: Pick<FreezePolicy, 'budget' | 'stale'>, at: Timestamp): boolean =>
  isTooOld(status, policy, at) || unreadBudget(status, policy) !== null;

/** Returns whether the status describes the present, and so can lift a freeze; missing data never do. */
export function describesPresent(status: SloStatus, policy: Pick<FreezePolicy, 'stale'>, at: Timestamp): boolean {
  const isRead = status.state === 'ok' || status.state === 'no_traffic';
  return isRead && !isTooOld(status, policy, at);
}

/** Returns whether the spent share is below the lift level. Null: unknown. */
export function hasRecovered(status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null {
  if (policy.budget === null || status.budget.remaining === null || !describesPresent(status, policy, at)) return null;
  return spentShare(status.budget) < policy.budget.liftBelow;
}

/** Returns the burn with the highest factor that freezes by policy; undefined if there is none. */
export const freezingBurn = ({ burning }: Pick<SloStatus, 'burning'>, policy: FreezePolicy): BurnAlert | undefined =>
  burning.filter(({ severity }) => isFreezingSeverity(severity, policy)).toSorted((a, b) => b.factor - a.factor)[0];

/**
 * Returns when no burn freezes any more, if no more errors occur. Null: no burn freezes now, or the time is unknown.
 */
export function burnSlowsAt(
  { burning }: Pick<SloStatus, 'burning'>,
  policy: Pick<FreezePolicy, 'burn'>,
): Timestamp | null {
  const ends = burning
    .filter(({ severity }) => isFreezingSeverity(severity, policy))
    .map(({ clears_at }) => clears_at ?? null);
  return ends.every((end) => end !== null) ? (ends.toSorted().at(-1) ?? null) : null;
}

/** Returns whether a burn of this severity freezes by policy. */
export const isFreezingSeverity = (severity: BurnAlert['severity'], { burn }: Pick<FreezePolicy, 'burn'>): boolean =>
  burn === 'ticket' || (burn === 'page' && severity === 'page');

/** Returns whether the burn rate no longer freezes. Null: unknown. */
export const hasBurnSlowed = (status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null =>
  describesPresent(status, policy, at) ? freezingBurn(status, policy) === undefined : null;
