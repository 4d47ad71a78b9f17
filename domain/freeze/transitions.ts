import type { Freeze } from '../../schemas/freeze.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';
import { type Circumstances, isKept } from './blocks.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Pass } from './passes.ts';
import { freezesAt, frozenDependencies, statusOf } from './standing.ts';
import { stateAt } from './state.ts';

/** Seconds between two evaluations. */
const EVALUATION_SECONDS = 60;

/**
 * When the answer can change by itself, next: a freeze begins or ends, an override that lets it through expires, a
 * budget is forecast to be spent, or to have recovered. Null: nothing is in sight.
 */
export function nextTransition(inputs: CheckInputs, passes: readonly Pass[]): Timestamp | null {
  const { at, own, policy } = inputs;
  const known = (freeze: Freeze, slos = own.slos): Circumstances => ({ at, policy, status: statusOf(slos, freeze) });
  const instants = [
    ...freezesAt(inputs).map((freeze) => changeOf(freeze, known(freeze), inputs)),
    ...frozenDependencies(inputs).map(({ freeze, slos }) => changeOf(freeze, known(freeze, slos), inputs)),
    ...passes.map((pass) => (pass.by === 'override' ? pass.override.expires_at : null)),
    ...(policy.budget === null ? [] : own.slos.map(({ forecast }) => forecast.spent_at)),
  ];
  const future = instants.flatMap((instant) => (instant !== null && instant > at ? [instant] : []));
  return future.toSorted()[0] ?? null;
}

function changeOf(freeze: Freeze, known: Circumstances, { at, evaluatedAt }: CheckInputs): Timestamp | null {
  const state = stateAt(freeze, at);
  if (state !== 'in_force') return state === 'scheduled' ? freeze.starts_at : null;
  if (freeze.until !== null) return freeze.until;
  if (isKept(freeze, known))
    return latest(freeze.not_before, evaluatedAt && plusSeconds(evaluatedAt, EVALUATION_SECONDS));
  const lifts = freeze.cause === 'budget' ? (known.status?.forecast.lifts_at ?? null) : null;
  return lifts === null ? null : latest(lifts, freeze.not_before);
}

const latest = (a: Timestamp | null, b: Timestamp | null): Timestamp | null =>
  a === null || b === null ? (a ?? b) : a > b ? a : b;
