import type { Freeze } from '../../schemas/freeze/freeze.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { Evaluated, FreezePlanInputs } from './budget/freeze-plan-inputs.ts';
import { exclusionInWords, hasBurnSlowed, hasRecovered } from './budget/spending.ts';
import { CALENDAR, EVALUATION, stateAt } from './state.ts';
import { utcMinute, percent } from './words.ts';

/**
 * Result of judging whether a freeze is over: the reason; false if it continues; null if unknown, which changes
 * nothing. `at` and `by` absent: it is over now, ended by the evaluation.
 */
export type FreezeEnd = { reason: string; at?: Timestamp; by?: string } | false | null;

/** @param holding IDs of all freezes that the calendar and open incidents currently require */
export function endOfFreeze(freeze: Freeze, inputs: FreezePlanInputs, holding: ReadonlySet<string>): FreezeEnd {
  switch (freeze.cause) {
    case 'budget':
    case 'burn':
      return objectiveIsOver(freeze, inputs);
    case 'incident':
      return inputs.incidents === null ? null : incidentIsOver(freeze, inputs.incidents, holding);
    case 'calendar':
      return calendarIsOver(freeze, inputs, holding);
    case 'pin':
    case 'person':
      return plannedEndIsPast(freeze, inputs.at, EVALUATION);
  }
}

/** Checks the planned end of the stored record. */
const plannedEndIsPast = ({ until }: Freeze, at: Timestamp, by: string): FreezeEnd =>
  until !== null && until <= at && { reason: `its planned end, ${utcMinute(until)}`, at: until, by };

function incidentIsOver(
  freeze: Freeze,
  incidents: NonNullable<FreezePlanInputs['incidents']>,
  holding: ReadonlySet<string>,
): FreezeEnd {
  if (holding.has(freeze.id)) return false;
  const incident = incidents.find(({ incident: { id } }) => id === freeze.incident_id);
  if (incident === undefined) return { reason: 'the incident is resolved' };
  return {
    reason:
      incident.policy.incidents === 'off'
        ? 'the policy no longer freezes for incidents here (incidents: off)'
        : `the severity of the incident is now ${incident.incident.severity}, for which the policy does not freeze`,
  };
}

/** Evaluates the current calendar, which takes precedence over the stored record. */
function calendarIsOver(freeze: Freeze, { at }: FreezePlanInputs, holding: ReadonlySet<string>): FreezeEnd {
  if (holding.has(freeze.id)) return false;
  return (
    plannedEndIsPast(freeze, at, CALENDAR) || {
      reason: `its calendar entry ${JSON.stringify(freeze.calendar)} was changed or removed`,
    }
  );
}

function objectiveIsOver(freeze: Freeze, { objectives, at }: FreezePlanInputs): FreezeEnd {
  const found = objectives.find(({ slo }) => slo.id === freeze.slo);
  if (found === undefined) return { reason: `the objective ${freeze.slo} is no longer configured` };
  const { slo } = found;
  if (slo.service !== freeze.service || slo.environment !== freeze.environment)
    return { reason: `the objective ${slo.id} now belongs to ${slo.service} in ${slo.environment}` };
  const over = freeze.cause === 'budget' ? budgetIsOver(found, at) : burnIsOver(found, at);
  if (!over || over.atOnce === true) return over;
  const hasLasted = freeze.not_before === null || freeze.not_before <= at;
  return (hasLasted || isLiftedAlready(freeze, found, at)) && over;
}

/**
 * Returns whether a person has lifted the freeze. While an alert fires, data that may lag behind it do not prove that
 * the cause is over.
 */
const isLiftedAlready = (freeze: Freeze, { alerting }: Evaluated, at: Timestamp): boolean =>
  stateAt(freeze, at) === 'over' && !(freeze.cause === 'burn' && alerting === true);

/** `atOnce`: the policy no longer asks for the freeze, so its minimum duration does not apply. */
type ObjectiveOver = { reason: string; atOnce?: true } | false | null;

function budgetIsOver({ status, policy }: Evaluated, at: Timestamp): ObjectiveOver {
  if (policy.budget === null)
    return { reason: 'the policy no longer freezes for budgets here (budget: off)', atOnce: true };
  if (status === null) return null; // without Prometheus, the budget is unknown
  const recovered = hasRecovered(status, policy, at);
  const share = percent(policy.budget.liftBelow);
  return recovered && { reason: `less than ${share} of the budget is spent${exclusionInWords(status)}` };
}

function burnIsOver({ status, policy, alerting }: Evaluated, at: Timestamp): ObjectiveOver {
  if (policy.burn === 'off')
    return { reason: 'the policy no longer freezes for burn rates here (burn: off)', atOnce: true };
  if (status === null) return alerting === false && { reason: 'its burn alerts have resolved' };
  const cooled = hasBurnSlowed(status, policy, at);
  return cooled && { reason: `the budget burns slowly enough${exclusionInWords(status)}` };
}
