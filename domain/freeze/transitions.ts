import type { Freeze } from '../../schemas/freeze.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';
import { type Circumstances, liftsFrom } from './blocks.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Pass } from './passes.ts';
import { freezesAt, frozenDependencies, statusOf } from './standing.ts';
import { stateAt } from './state.ts';

/** Seconds between two evaluations. */
const EVALUATION_SECONDS = 60;

/**
 * When the answer can change by itself, next: a freeze begins or ends, an override that lets it through expires, so much
 * of a budget is forecast to be spent that it warns or freezes, or to have recovered. Never in the past. Null: nothing is in sight.
 */
export function nextTransition(inputs: CheckInputs, passes: readonly Pass[]): Timestamp | null {
  const { at, own, policy } = inputs;
  const known = (freeze: Freeze, slos = own.slos): Circumstances => ({ at, policy, status: statusOf(slos, freeze) });
  const freezes = freezesAt(inputs);
  const instants = [
    ...freezes.map((freeze) => changeOf(freeze, known(freeze), inputs)),
    ...frozenDependencies(inputs).map(({ freeze, slos }) => changeOf(freeze, known(freeze, slos), inputs)),
    ...passes.map((pass) => (pass.by === 'override' ? pass.override.expires_at : null)),
    ...(freezes.some((freeze) => isByData(freeze) && stateAt(freeze, at) === 'in_force') ? [] : spentAt(inputs)),
  ];
  const future = instants.flatMap((instant) => (instant !== null && instant > at ? [instant] : []));
  return future.toSorted()[0] ?? null;
}

const isByData = ({ cause }: Freeze): boolean => cause === 'budget' || cause === 'burn';

/** Where a budget freezes already, or its burn does, the answer stays the same when more is spent. */
const spentAt = ({ own, policy }: CheckInputs): (Timestamp | null)[] =>
  policy.budget === null
    ? []
    : own.slos.flatMap(({ forecast: { warns_at: warns = null, freezes_at: freezes, spent_at: spent } }) => [
        warns,
        freezes === undefined ? spent : freezes,
      ]);

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
