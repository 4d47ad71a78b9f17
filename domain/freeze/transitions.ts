import type { Freeze } from '../../schemas/freeze.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { type Circumstances, liftsFrom } from './blocks.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Pass } from './passes.ts';
import { hasSpent, isStale, isTelling, isTooOld } from './spending.ts';
import { freezesAt, frozenDependencies, statusOf } from './standing.ts';
import { stateAt } from './state.ts';

/** Seconds between two evaluations. */
const EVALUATION_SECONDS = 60;

/**
 * When the answer can change by itself, next: a freeze begins or ends, an override that lets it through expires, so much
 * of a budget is forecast to be spent that it warns or freezes, or so little that it warns no more, or to have burnt fast
 * for long enough, or what nobody can read now is stale. Never in the past. Null: nothing is in sight.
 */
export function nextTransition(inputs: CheckInputs, passes: readonly Pass[]): Timestamp | null {
  const { at, own, policy } = inputs;
  const known = (freeze: Freeze, slos = own.slos): Circumstances => ({ at, policy, status: statusOf(slos, freeze) });
  const freezes = freezesAt(inputs);
  const holding = freezes.filter((freeze) => stateAt(freeze, at) === 'in_force');
  const instants = [
    ...freezes.map((freeze) => changeOf(freeze, known(freeze), inputs)),
    ...frozenDependencies(inputs).map(({ freeze, slos }) => changeOf(freeze, known(freeze, slos), inputs)),
    ...passes.map((pass) => (pass.by === 'override' ? pass.override.expires_at : null)),
    ...(holding.some(isByData) ? [] : spentAt(inputs)),
    ...(holding.length > 0 ? [] : changesOfData(inputs)),
  ];
  const future = instants.flatMap((instant) => (instant !== null && instant > at ? [instant] : []));
  return future.toSorted()[0] ?? null;
}

const isByData = ({ cause }: Freeze): boolean => cause === 'budget' || cause === 'burn';

const current = ({ own, policy, at }: CheckInputs): SloStatus[] =>
  own.slos.filter((status) => !isTooOld(status, policy, at));

/** Where a budget freezes already, or its burn does, the answer stays the same when more is spent. */
const spentAt = (inputs: CheckInputs): (Timestamp | null)[] =>
  inputs.policy.budget === null
    ? []
    : current(inputs).flatMap(({ forecast: { warns_at: warns = null, freezes_at: freezes, spent_at: spent } }) => [
        warns,
        freezes === undefined ? spent : freezes,
      ]);

/** Where anything holds, it stays so, and none of these is a reason to believe less in it. */
const changesOfData = (inputs: CheckInputs): (Timestamp | null)[] =>
  current(inputs).flatMap((status) => [
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

/** Of what cannot be read now, or not be understood: when it is too old, if that goes on. */
function staleFrom(status: SloStatus, { at, policy }: CheckInputs): Timestamp | null {
  const hasSay = policy.budget !== null || policy.burn !== 'off';
  if (!hasSay || status.data_at === null || isTelling(status, policy, at) || isStale(status, policy, at)) return null;
  return plusSeconds(status.data_at, policy.stale.afterSeconds + 1);
}

function changeOf(freeze: Freeze, known: Circumstances, inputs: CheckInputs): Timestamp | null {
  const state = stateAt(freeze, inputs.at);
  if (state !== 'in_force') return state === 'scheduled' ? freeze.starts_at : null;
  if (freeze.until !== null || !isByData(freeze)) return freeze.until;
  const lifts = liftsFrom(freeze, known);
  const evaluation = nextEvaluation(inputs);
  return lifts === null || lifts > evaluation ? lifts : evaluation;
}

/** Only an evaluation lifts what data have frozen. One that is overdue is expected at its next turn. */
function nextEvaluation({ at, evaluatedAt }: CheckInputs): Timestamp {
  if (evaluatedAt === null) return plusSeconds(at, EVALUATION_SECONDS);
  const passed = Math.floor(secondsBetween(evaluatedAt, at) / EVALUATION_SECONDS);
  return plusSeconds(evaluatedAt, (Math.max(0, passed) + 1) * EVALUATION_SECONDS);
}
