import type { Freeze } from '../../schemas/freeze.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { allCalendarFreezes } from '../calendar.ts';
import { budgetFreeze, burnFreeze, incidentFreeze } from '../causes.ts';
import { causeKey, type Hash } from '../ids.ts';
import type { FreezePlanInputs } from './freeze-plan-inputs.ts';
import { endOfFreeze, type FreezeEnd } from '../freeze-end.ts';
import { freezingBurn, hasSpent } from './spending.ts';
import { coveringFreeze, EVALUATION, isLifted, stateAt } from '../state.ts';

/** Changes to freezes after an evaluation, to be applied in this order. */
export type FreezePlan = {
  /** Freezes whose cause is over or no longer configured. */
  end: { id: string; at: Timestamp; by: string; reason: string; settled: true }[];
  /** Freezes that a person lifted earlier and whose cause is now over. */
  settle: { id: string; at: Timestamp }[];
  /** Calendar and incident freezes whose stored record is outdated. */
  revise: Revision[];
  /** New freezes. If a record with the same ID exists, it is revised where `revisionOf` says so. */
  open: Freeze[];
};

/** New content of a record. Revising an ended, settled record puts it in force again. */
export type Revision = Pick<Freeze, 'id' | 'reason' | 'ends_when' | 'until'>;

/**
 * Plans the changes to freezes after an evaluation. Budget and burn-rate freezes stay in force until data show
 * that their cause is over, and for at least their minimum duration. A freeze that a person lifted does not reopen
 * until its cause has been over once.
 */
export function planFreezes(inputs: FreezePlanInputs, hash: Hash): FreezePlan {
  const { at, current } = inputs;
  const computed = [...incidentFreezes(inputs, hash), ...allCalendarFreezes(inputs.calendar, hash)];
  const requiredIds = new Set(computed.map(({ id }) => id));
  const judged = current.map((freeze) => ({ freeze, over: endOfFreeze(freeze, inputs, requiredIds) }));
  const active = judged.flatMap(({ freeze, over }) => (over ? [] : [freeze]));
  const ending = judged.flatMap(({ freeze, over }) => (over && freeze.ended_at === null ? [freeze] : []));
  const activeCauses = new Set(active.map((freeze) => causeKey(freeze)));
  const byId = new Map(current.map((freeze) => [freeze.id, freeze]));
  const open = [...objectiveFreezes(inputs, { active, ending }, hash), ...computed].filter(
    (freeze) => stateAt(freeze, at) === 'in_force' && !activeCauses.has(causeKey(freeze)),
  );
  return {
    // A freeze whose overrides a new one takes over ends with the next evaluation: the new one has to be stored first.
    end: judged.flatMap(({ freeze, over }) =>
      over && !open.some((opened) => takesOver(opened, freeze)) ? endEntries(freeze, over, at) : [],
    ),
    settle: judged.flatMap(({ freeze, over }) => (over && isLifted(freeze) ? [{ id: freeze.id, at }] : [])),
    revise: computed.flatMap((freeze) => revisionOf(byId.get(freeze.id), freeze) ?? []),
    open,
  };
}

/** Returns whether a freeze by burn rate follows one by budget, which has covered it. */
const takesOver = (opened: Freeze, { cause, slo }: Freeze): boolean =>
  opened.cause === 'burn' && cause === 'budget' && opened.slo === slo;

function endEntries(freeze: Freeze, over: Exclude<FreezeEnd, false | null>, now: Timestamp): FreezePlan['end'] {
  if (freeze.ended_at !== null) return [];
  const { reason, at = now, by = EVALUATION } = over;
  return [{ id: freeze.id, at, by, reason, settled: true }];
}

/**
 * Returns the freezes that objectives require, at most one each: a spent budget covers its burn rate. Its freeze takes over
 * the overrides of a freeze by burn rate, and hands them and its minimum duration on to the one that follows when the budget
 * has recovered first. The one before ends with the next evaluation.
 */
const objectiveFreezes = (
  { objectives, at }: FreezePlanInputs,
  { active, ending }: { active: readonly Freeze[]; ending: readonly Freeze[] },
  hash: Hash,
): Freeze[] =>
  objectives.flatMap(({ slo, status, policy }) => {
    if (status === null) return [];
    const own = active.filter((freeze) => freeze.slo === slo.id);
    const isSpent = policy.budget !== null && hasSpent(status, policy.budget.freeze);
    if (isSpent && !own.some((freeze) => freeze.cause === 'budget')) {
      const overrides = own.find(({ cause }) => cause === 'burn')?.overrides ?? [];
      return [{ ...budgetFreeze(slo, status, policy, at, hash), overrides }];
    }
    const burn = freezingBurn(status, policy);
    if (burn === undefined || coveringFreeze(slo.id, own, at) !== undefined) return [];
    const opened = burnFreeze(slo, burn, status, policy, at, hash);
    const before = ending.find((freeze) => takesOver(opened, freeze));
    return [before === undefined ? opened : { ...opened, overrides: before.overrides, not_before: before.not_before }];
  });

const incidentFreezes = ({ incidents }: FreezePlanInputs, hash: Hash): Freeze[] =>
  (incidents ?? []).flatMap(({ incident, policy }) => incidentFreeze(incident, policy, hash) ?? []);

/**
 * Returns the revision that a stored calendar or incident freeze needs: its entry was edited, or a freeze that was over
 * has returned under the same ID. A freeze that a person lifted stays lifted until its cause has been over once.
 */
export function revisionOf(record: Freeze | undefined, freeze: Freeze): Revision | undefined {
  if (record === undefined || record.id !== freeze.id || record.slo !== null) return undefined;
  const { id, reason, ends_when, until } = freeze;
  const isSame = record.reason === reason && record.ends_when === ends_when && record.until === until;
  return isSame && record.settled_at === null ? undefined : { id, reason, ends_when, until };
}
