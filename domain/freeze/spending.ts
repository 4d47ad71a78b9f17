import type { BurnAlert, SloStatus } from '../../schemas/slo-status.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { spentShare } from '../slo/budget.ts';
import type { FreezePolicy } from './policy.ts';
import { percent } from './words.ts';

/** Whether at least this share is spent for certain, and not by chance. */
export const hasSpent = ({ budget }: Pick<SloStatus, 'budget'>, share: number): boolean =>
  budget.significant && spentShare(budget) >= share;

/** `120.4 %`, or `at least 120.4 %` where too little is known of the window. */
export const spentInWords = ({ budget }: Pick<SloStatus, 'budget'>): string =>
  `${budget.remaining === null ? 'at least ' : ''}${percent(spentShare(budget))}`;

/** Whole seconds since the newest moment of which something is known. Null: nothing ever was. */
export const dataAge = ({ data_at }: Pick<SloStatus, 'data_at'>, at: Timestamp): number | null =>
  data_at === null ? null : Math.floor(Math.max(0, secondsBetween(data_at, at)));

/**
 * Why a budget is not known that may well be spent: too much of its window could not be read. Null: it is known, or there
 * is no more to be read, as of a service that is young; or by policy budgets freeze nothing.
 */
export const unreadBudget = ({ budget, unread }: SloStatus, policy: Pick<FreezePolicy, 'budget'>): string | null =>
  policy.budget === null || budget.remaining !== null ? null : (unread ?? null);

/** Whether what is known is older than policy believes, or nothing ever was. */
export function isTooOld(status: SloStatus, { stale }: Pick<FreezePolicy, 'stale'>, at: Timestamp): boolean {
  const seconds = dataAge(status, at);
  return seconds === null || seconds > stale.afterSeconds;
}

/** Whether what is known is older than policy believes, or too little ever was. */
export const isStale = (status: SloStatus, policy: Pick<FreezePolicy, 'budget' | 'stale'>, at: Timestamp): boolean =>
  isTooOld(status, policy, at) || unreadBudget(status, policy) !== null;

/** Whether it tells how things are, and so can lift a freeze: data that are missing never do. */
export function isTelling(status: SloStatus, policy: Pick<FreezePolicy, 'stale'>, at: Timestamp): boolean {
  const isRead = status.state === 'ok' || status.state === 'no_traffic';
  return isRead && !isTooOld(status, policy, at);
}

/** Whether the budget is below the level at which freezes lift. Null: cannot be told. */
export function hasRecovered(status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null {
  if (policy.budget === null || status.budget.remaining === null || !isTelling(status, policy, at)) return null;
  return spentShare(status.budget) < policy.budget.liftBelow;
}

/** The fastest burn that freezes, as policy has it. Undefined: none does. */
export const freezingBurn = ({ burning }: Pick<SloStatus, 'burning'>, policy: FreezePolicy): BurnAlert | undefined =>
  burning.filter(({ severity }) => countsAs(severity, policy)).toSorted((a, b) => b.factor - a.factor)[0];

/** When nothing burns any more that freezes, if nothing else fails. Null: nothing does now, or it cannot be told. */
export function coolsAt({ burning }: Pick<SloStatus, 'burning'>, policy: Pick<FreezePolicy, 'burn'>): Timestamp | null {
  const ends = burning.filter(({ severity }) => countsAs(severity, policy)).map(({ clears_at }) => clears_at ?? null);
  return ends.every((end) => end !== null) ? (ends.toSorted().at(-1) ?? null) : null;
}

/** Whether a burn of this severity freezes. */
export const countsAs = (severity: BurnAlert['severity'], { burn }: Pick<FreezePolicy, 'burn'>): boolean =>
  burn === 'ticket' || (burn === 'page' && severity === 'page');

/** Whether it has stopped to burn so fast that it freezes. Null: cannot be told. */
export const hasCooled = (status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null =>
  isTelling(status, policy, at) ? freezingBurn(status, policy) === undefined : null;
