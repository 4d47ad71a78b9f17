import type { Freeze } from '../../schemas/freeze.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { CheckInputs } from './check-inputs.ts';
import type { Finding } from './finding.ts';
import { freezingBurn, hasSpent, isStale, isTelling, spentInWords } from './spending.ts';
import { isLifted, stateAt } from './state.ts';
import { moment, percent } from './words.ts';

/** Budgets that are low, and what would freeze but does not: a person has lifted it, or the evaluation comes to it. */
export const budgetWarnings = (inputs: CheckInputs): Finding[] =>
  inputs.own.slos.flatMap((status) => [
    ...ofBudget(status, inputs),
    ...ofBurn(status, inputs),
    ...ofCoverage(status, inputs),
  ]);

function ofBudget(status: SloStatus, inputs: CheckInputs): Finding[] {
  const { policy } = inputs;
  if (policy.budget === null || isFrozen('budget', status, inputs)) return [];
  const text = `${spentInWords(status)} of the error budget of ${status.id} is spent`;
  if (hasSpent(status, policy.budget.freeze))
    return [
      { code: 'budget_spent', effect: 'warn', key: status.id, text: `${text}; ${whyOpen('budget', status, inputs)}` },
    ];
  if (!hasSpent(status, policy.budget.warn)) return [];
  const { spent_at } = status.forecast;
  const soon = spent_at === null ? '' : `; as it burns now, all of it is spent about ${moment(spent_at)}`;
  return [
    {
      code: 'budget_low',
      effect: 'warn',
      key: status.id,
      text: `${text}, and deploys freeze at ${percent(policy.budget.freeze)}${soon}`,
    },
  ];
}

function ofBurn(status: SloStatus, inputs: CheckInputs): Finding[] {
  const burn = freezingBurn(status, inputs.policy);
  if (burn === undefined || !isTelling(status, inputs.policy, inputs.at) || isFrozen('burn', status, inputs)) return [];
  const { factor, long, short } = burn;
  const text = `the error budget of ${status.id} burns more than ${factor} times too fast, over the last ${long} and the last ${short}`;
  return [{ code: 'burn_rate', effect: 'warn', key: status.id, text: `${text}; ${whyOpen('burn', status, inputs)}` }];
}

/** Of a service that is young, or of a Prometheus that keeps less than a window. It is no reason to warn, for weeks. */
function ofCoverage(status: SloStatus, { policy, at }: CheckInputs): Finding[] {
  const { id, budget } = status;
  if (policy.budget === null || budget.remaining !== null || isStale(status, policy, at)) return [];
  const text = `of the budget of ${id} only ${percent(budget.coverage)} of its window is known, and there are no older data; ${spentInWords(status)} is spent`;
  return [{ code: 'budget_partly_known', effect: 'note', key: id, text }];
}

const ofObjective = (cause: Freeze['cause'], { id }: SloStatus, { own }: CheckInputs): Freeze[] =>
  own.freezes.filter((freeze) => freeze.cause === cause && freeze.slo === id);

const isFrozen = (cause: Freeze['cause'], status: SloStatus, inputs: CheckInputs): boolean =>
  ofObjective(cause, status, inputs).some((freeze) => stateAt(freeze, inputs.at) === 'in_force');

function whyOpen(cause: Freeze['cause'], status: SloStatus, inputs: CheckInputs): string {
  const lifted = ofObjective(cause, status, inputs).find(isLifted);
  if (lifted === undefined) return 'the next evaluation freezes deploys';
  const why = lifted.end_reason === null ? '' : `: ${lifted.end_reason}`;
  return `${lifted.ended_by ?? ''} has lifted the freeze ${lifted.id}${why}`;
}
