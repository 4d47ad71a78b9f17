import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import { type Consequences, type Known, type Moment, type Stop } from './guard.ts';
import { GUARDS } from './guards.ts';

/** A guard that applies, with its consequence, and its reason followed by those that explain it. */
export type Applied<M extends Moment> = { does: Consequences[M]; reasons: Reason[] };

/** Reads all guards of a moment, in order. */
export const guardsThatApply = <M extends Moment>(moment: M, known: Known[M]): Applied<M>[] =>
  GUARDS.flatMap(({ at, read }) => {
    const does = at[moment];
    if (does === undefined) return [];
    const reasons = read(known);
    return reasons.length === 0 ? [] : [{ does, reasons }];
  });

/** Returns the reason of the first guard that stops a rollback or a drill before its call. */
export const whyStopped = <M extends 'call' | 'record' | 'drill'>(moment: M, known: Known[M]): Reason | undefined =>
  guardsThatApply(moment, known)[0]?.reasons[0];

/** Returns what follows when a rollback was stopped with this code. */
export const afterStop = (code: ReasonCode): Stop =>
  GUARDS.flatMap((one) => (one.code === code ? [one.at.call ?? one.at.record] : [])).find((stop) => stop) ?? 'page';

/** Returns whether a reason is a choice of people about automation, which pages no one. */
export const isPolicy = (code: ReasonCode): boolean => GUARDS.some((one) => one.code === code && one.byPolicy);
