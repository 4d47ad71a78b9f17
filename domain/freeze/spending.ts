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

/** Seconds since the newest moment of which something is known. Null: nothing ever was. */
export const dataAge = ({ data_at }: Pick<SloStatus, 'data_at'>, at: Timestamp): number | null =>
  data_at === null ? null : Math.max(0, secondsBetween(data_at, at));

/** Whether it tells how things are, and so can lift a freeze: data that are missing never do. */
export function isTelling(status: SloStatus, { stale }: Pick<FreezePolicy, 'stale'>, at: Timestamp): boolean {
  const seconds = dataAge(status, at);
  const isRead = status.state === 'ok' || status.state === 'no_traffic';
  return isRead && seconds !== null && seconds <= stale.afterSeconds;
}

/** Whether the budget is below the level at which freezes lift. Null: cannot be told. */
export function hasRecovered(status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null {
  if (policy.budget === null || status.budget.remaining === null || !isTelling(status, policy, at)) return null;
  return spentShare(status.budget) < policy.budget.liftBelow;
}

/** The fastest burn that freezes, as policy has it. Undefined: none does. */
export const freezingBurn = ({ burning }: Pick<SloStatus, 'burning'>, policy: FreezePolicy): BurnAlert | undefined =>
  burning.filter(({ severity }) => countsAs(severity, policy)).toSorted((a, b) => b.factor - a.factor)[0];

/** Whether a burn of this severity freezes. */
export const countsAs = (severity: BurnAlert['severity'], { burn }: Pick<FreezePolicy, 'burn'>): boolean =>
  burn === 'ticket' || (burn === 'page' && severity === 'page');

/** Whether it has stopped to burn so fast that it freezes. Null: cannot be told. */
export const hasCooled = (status: SloStatus, policy: FreezePolicy, at: Timestamp): boolean | null =>
  isTelling(status, policy, at) ? freezingBurn(status, policy) === undefined : null;
