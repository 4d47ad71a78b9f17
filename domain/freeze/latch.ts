import type { Freeze } from '../../schemas/freeze.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { calendarEverywhere } from './calendar.ts';
import { budgetFreeze, burnFreeze, incidentFreeze } from './causes.ts';
import { causeKey, type Hash } from './ids.ts';
import type { LatchInputs } from './latch-inputs.ts';
import { isOver, type Over } from './over.ts';
import { freezingBurn, hasSpent } from './spending.ts';
import { EVALUATION, isLifted, stateAt } from './state.ts';

/** What to do with freezes after an evaluation, in this order. */
export type LatchPlan = {
  /** Their cause is over, or nothing asks for it any more. */
  end: { id: string; at: Timestamp; by: string; reason: string; settled: true }[];
  /** Lifted by a person before, and now their cause is over, too. */
  settle: { id: string; at: Timestamp }[];
  /** Of the calendar or an incident, and not as their record has them. */
  revise: Revision[];
  /** One that was there before under this id is revised, where `revisionOf` says so. */
  open: Freeze[];
};

/** What a record has to say. One that has ended and is settled is in force again with it. */
export type Revision = Pick<Freeze, 'id' | 'reason' | 'ends_when' | 'until'>;

/**
 * What an evaluation does with the freezes. Those of budgets and burn rates are latched: they stay until data show
 * that their cause is over, and for their minimum duration. One that a person has lifted does not come back before its
 * cause was over once.
 */
export function latch(inputs: LatchInputs, hash: Hash): LatchPlan {
  const { at, current } = inputs;
  const computed = [...incidentFreezes(inputs, hash), ...calendarEverywhere(inputs.calendar, hash)];
  const holding = new Set(computed.map(({ id }) => id));
  const judged = current.map((freeze) => ({ freeze, over: isOver(freeze, inputs, holding) }));
  const end = judged.flatMap(({ freeze, over }) => (over ? ending(freeze, over, at) : []));
  const settle = judged.flatMap(({ freeze, over }) => (over && isLifted(freeze) ? [{ id: freeze.id, at }] : []));
  const gone = new Set([...end, ...settle].map(({ id }) => id));
  const held = new Set(current.filter(({ id }) => !gone.has(id)).map((freeze) => causeKey(freeze)));
  const byId = new Map(current.map((freeze) => [freeze.id, freeze]));
  return {
    end,
    settle,
    revise: computed.flatMap((freeze) => revisionOf(byId.get(freeze.id), freeze) ?? []),
    open: [...objectiveFreezes(inputs, hash), ...computed].filter(
      (freeze) => stateAt(freeze, at) === 'in_force' && !held.has(causeKey(freeze)),
    ),
  };
}

function ending(freeze: Freeze, over: Exclude<Over, false | null>, now: Timestamp): LatchPlan['end'] {
  if (freeze.ended_at !== null) return [];
  const { reason, at = now, by = EVALUATION } = over;
  return [{ id: freeze.id, at, by, reason, settled: true }];
}

/** What there would be if nothing were in force yet. */
const objectiveFreezes = ({ objectives, at }: LatchInputs, hash: Hash): Freeze[] =>
  objectives.flatMap(({ slo, status, policy }) => {
    if (status === null) return [];
    const isSpent = policy.budget !== null && hasSpent(status, policy.budget.freeze);
    const burn = freezingBurn(status, policy);
    return [
      ...(isSpent ? [budgetFreeze(slo, status, policy, at, hash)] : []),
      ...(burn === undefined ? [] : [burnFreeze(slo, burn, policy, at, hash)]),
    ];
  });

const incidentFreezes = ({ incidents }: LatchInputs, hash: Hash): Freeze[] =>
  (incidents ?? []).flatMap(({ incident, policy }) => incidentFreeze(incident, policy, hash) ?? []);

/**
 * How the record of a freeze by calendar or incident has to change to say what holds now: the entry was edited, or what
 * was over has come again under the same id. One that a person has lifted stays so until it was over once.
 */
export function revisionOf(record: Freeze | undefined, freeze: Freeze): Revision | undefined {
  if (record === undefined || record.id !== freeze.id || record.slo !== null) return undefined;
  const { id, reason, ends_when, until } = freeze;
  const isSame = record.reason === reason && record.ends_when === ends_when && record.until === until;
  return isSame && record.settled_at === null ? undefined : { id, reason, ends_when, until };
}
