import type { Freeze } from '../schemas/freeze.ts';
import { minuteText, type Timestamp } from '../../../schemas/time/time.ts';
import type { Evaluated, FreezePlanInputs } from './budget/freeze-plan-inputs.ts';
import { exclusionInWords, hasBurnSlowed, hasRecovered } from './budget/spending.ts';
import { CALENDAR, coveringFreeze, EVALUATION, stateAt } from './state.ts';
import { percent } from './words.ts';

/**
 * Result of judging whether a freeze is over: the reason; false if it continues; null if unknown, which changes
 * nothing. `at` and `by` absent: it is over now, ended by the evaluation.
 */
export type FreezeEnd = { reason: string; at?: Timestamp; by?: string } | false | null;

/**
 * Decides whether a freeze is over.
 *
 * @param requiredIds IDs of all freezes that the calendar and open incidents currently require
 */
export function endOfFreeze(freeze: Freeze, inputs: FreezePlanInputs, requiredIds: ReadonlySet<string>): FreezeEnd {
  switch (freeze.cause) {
    case 'budget':
    case 'burn':
      return endOfObjectiveFreeze(freeze, inputs);
    case 'incident':
      return inputs.incidents === null ? null : endOfIncidentFreeze(freeze, inputs.incidents, requiredIds);
    case 'calendar':
      return endOfCalendarFreeze(freeze, inputs, requiredIds);
    case 'pin':
    case 'person':
      return plannedEndOf(freeze, inputs.at, EVALUATION);
  }
}

/** Returns the planned end of the stored record, if it has passed. */
const plannedEndOf = ({ until }: Freeze, at: Timestamp, by: string): FreezeEnd =>
  until !== null && until <= at && { reason: `its planned end, ${minuteText(until)}`, at: until, by };

function endOfIncidentFreeze(
  freeze: Freeze,
  incidents: NonNullable<FreezePlanInputs['incidents']>,
  requiredIds: ReadonlySet<string>,
): FreezeEnd {
  if (requiredIds.has(freeze.id)) return false;
  const incident = incidents.find(({ incident: { id } }) => id === freeze.incident_id);
  if (incident === undefined) return { reason: 'the incident is resolved' };
  return {
    reason:
      incident.policy.incidents === 'off'
        ? 'the policy no longer freezes for incidents here (incidents: off)'
        : `the severity of the incident is now ${incident.incident.severity}, for which the policy does not freeze`,
  };
}

/** Decides by the current calendar, which takes precedence over the stored record. */
function endOfCalendarFreeze(freeze: Freeze, { at }: FreezePlanInputs, requiredIds: ReadonlySet<string>): FreezeEnd {
  if (requiredIds.has(freeze.id)) return false;
  return (
    plannedEndOf(freeze, at, CALENDAR) || {
      reason: `its calendar entry ${JSON.stringify(freeze.calendar)} was changed or removed`,
    }
  );
}

function endOfObjectiveFreeze(freeze: Freeze, inputs: FreezePlanInputs): FreezeEnd {
  const { objectives, at } = inputs;
  const found = objectives.find(({ slo }) => slo.id === freeze.slo);
  if (found === undefined) return { reason: `the objective ${freeze.slo} is no longer configured` };
  const { slo } = found;
  if (slo.service !== freeze.service || slo.environment !== freeze.environment)
    return { reason: `the objective ${slo.id} now belongs to ${slo.service} in ${slo.environment}` };
  if (freeze.cause === 'burn') {
    const covering = coveringFreeze(slo.id, inputs.current, at);
    if (covering !== undefined && !endOfObjectiveFreeze(covering, inputs))
      return { reason: `the budget is spent, so that the freeze ${covering.id} applies` };
  }
  const end = freeze.cause === 'budget' ? endOfBudgetFreeze(found, at) : endOfBurnFreeze(found, at);
  if (!end || end.atOnce === true) return end;
  const hasLasted = freeze.not_before === null || freeze.not_before <= at;
  return (hasLasted || isLiftedAlready(freeze, found, at)) && end;
}

/**
 * Returns whether a person has lifted the freeze. While an alert fires, data that may lag behind it do not prove that
 * the cause is over.
 */
const isLiftedAlready = (freeze: Freeze, { alerting }: Evaluated, at: Timestamp): boolean =>
  stateAt(freeze, at) === 'over' && !(freeze.cause === 'burn' && alerting === true);

/** `atOnce`: the policy no longer asks for the freeze, so its minimum duration does not apply. */
type ObjectiveFreezeEnd = { reason: string; atOnce?: true } | false | null;

function endOfBudgetFreeze({ status, policy }: Evaluated, at: Timestamp): ObjectiveFreezeEnd {
  if (policy.budget === null)
    return { reason: 'the policy no longer freezes for budgets here (budget: off)', atOnce: true };
  if (status === null) return null; // Without Prometheus, the budget is unknown.
  const recovered = hasRecovered(status, policy, at);
  const share = percent(policy.budget.liftBelow);
  return recovered && { reason: `less than ${share} of the budget is spent${exclusionInWords(status)}` };
}

function endOfBurnFreeze({ status, policy, alerting }: Evaluated, at: Timestamp): ObjectiveFreezeEnd {
  if (policy.burn === 'off')
    return { reason: 'the policy no longer freezes for burn rates here (burn: off)', atOnce: true };
  if (status === null) return alerting === false && { reason: 'its burn alerts have resolved' };
  const hasSlowed = hasBurnSlowed(status, policy, at);
  return hasSlowed && { reason: `the budget burns slowly enough${exclusionInWords(status)}` };
}
