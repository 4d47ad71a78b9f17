import type { Freeze } from '../schemas/freeze.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { type FreezeContext, earliestLift } from './freeze-explanation.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Pass } from './exemptions/passes.ts';
import { hasSpent, isStale, describesPresent, isTooOld } from './budget/spending.ts';
import { freezesAt, frozenDependencies, statusOf } from './freeze-findings.ts';
import { stateAt } from './state.ts';

/** Seconds between two evaluations. */
const EVALUATION_SECONDS = 60;

/**
 * Returns when the answer can next change without a new request or action: a freeze begins or ends, an override in use
 * expires, the budget is forecast to reach the warn or freeze level or to drop below the warn level, a burn rate is
 * forecast to have been high for long enough, or data that cannot be read now become stale. Always in the future. Null:
 * no change is foreseeable.
 */
export function nextTransition(inputs: CheckInputs, passes: readonly Pass[]): Timestamp | null {
  const { at, own, policy } = inputs;
  const known = (freeze: Freeze, slos = own.slos): FreezeContext => ({ at, policy, status: statusOf(slos, freeze) });
  const freezes = freezesAt(inputs);
  const inForce = freezes.filter((freeze) => stateAt(freeze, at) === 'in_force');
  const instants = [
    ...freezes.map((freeze) => nextChangeOf(freeze, known(freeze), inputs)),
    ...frozenDependencies(inputs).map(({ freeze, slos }) => nextChangeOf(freeze, known(freeze, slos), inputs)),
    ...passes.map((pass) => (pass.by === 'override' ? pass.override.expires_at : null)),
    ...(inForce.some(isByObjective) ? [] : spentAt(inputs)),
    ...(inForce.length > 0 ? [] : changesOfData(inputs)),
  ];
  const future = instants.flatMap((instant) => (instant !== null && instant > at ? [instant] : []));
  return future.toSorted()[0] ?? null;
}

const isByObjective = ({ cause }: Freeze): boolean => cause === 'budget' || cause === 'burn';

const currentStatuses = ({ own, policy, at }: CheckInputs): SloStatus[] =>
  own.slos.filter((status) => !isTooOld(status, policy, at));

/**
 * Returns the forecast times for budgets; further spending changes nothing if a budget or burn rate already freezes.
 */
const spentAt = (inputs: CheckInputs): (Timestamp | null)[] =>
  inputs.policy.budget === null
    ? []
    : currentStatuses(inputs).flatMap(
        ({ forecast: { warns_at: warns = null, freezes_at: freezes, spent_at: spent } }) => [
          warns,
          freezes === undefined ? spent : freezes,
        ],
      );

/** Returns the forecast times for data, which matter only if no freeze is in force. */
const changesOfData = (inputs: CheckInputs): (Timestamp | null)[] =>
  currentStatuses(inputs).flatMap((status) => [
    warningEnds(status, inputs),
    burnFreezes(status, inputs),
    staleFrom(status, inputs),
  ]);

const warningEnds = (status: SloStatus, { policy: { budget } }: CheckInputs): Timestamp | null =>
  budget !== null && hasSpent(status, budget.warn) ? (status.forecast.warning_ends_at ?? null) : null;

function burnFreezes({ forecast }: SloStatus, { policy: { burn } }: CheckInputs): Timestamp | null {
  const { page = null, ticket = null } = forecast.burns_at ?? {};
  const counting = burn === 'off' ? [] : burn === 'page' ? [page] : [page, ticket];
  return counting.filter((instant) => instant !== null).toSorted()[0] ?? null;
}

/** Returns when data that currently cannot be read or interpreted become stale if that continues. */
function staleFrom(status: SloStatus, { at, policy }: CheckInputs): Timestamp | null {
  const canFreeze = policy.budget !== null || policy.burn !== 'off';
  if (!canFreeze || status.data_at === null || describesPresent(status, policy, at) || isStale(status, policy, at))
    return null;
  return plusSeconds(status.data_at, policy.stale.afterSeconds + 1);
}

function nextChangeOf(freeze: Freeze, known: FreezeContext, inputs: CheckInputs): Timestamp | null {
  const state = stateAt(freeze, inputs.at);
  if (state !== 'in_force') return state === 'scheduled' ? freeze.starts_at : null;
  if (freeze.until !== null || !isByObjective(freeze)) return freeze.until;
  const lifts = earliestLift(freeze, known);
  const evaluation = nextEvaluation(inputs);
  return lifts === null || lifts > evaluation ? lifts : evaluation;
}

/**
 * Returns the next evaluation, because only an evaluation lifts budget and burn-rate freezes. An overdue one is
 * expected at its next regular time.
 */
function nextEvaluation({ at, evaluatedAt }: CheckInputs): Timestamp {
  if (evaluatedAt === null) return plusSeconds(at, EVALUATION_SECONDS);
  const passed = Math.floor(secondsBetween(evaluatedAt, at) / EVALUATION_SECONDS);
  return plusSeconds(evaluatedAt, (Math.max(0, passed) + 1) * EVALUATION_SECONDS);
}
