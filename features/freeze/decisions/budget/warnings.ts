import type { Freeze } from '../../schemas/freeze.ts';
import type { BurnAlert, SloStatus } from '../../../../schemas/slo/slo-status.ts';
import type { CheckInputs } from '../check-inputs.ts';
import type { Finding } from '../finding.ts';
import { correctionsInWords, freezingBurn, hasSpent, isStale, describesPresent, spentInWords } from './spending.ts';
import { coveringFreeze, isLifted, stateAt } from '../state.ts';
import { percent } from '../words.ts';
import { minuteText } from '../../../../schemas/time/time.ts';

/**
 * Warns about low budgets, and about conditions that would freeze but do not: a person has lifted the freeze, or the
 * next evaluation opens it.
 */
export const budgetWarnings = (inputs: CheckInputs): Finding[] => [
  ...inputs.own.slos.flatMap((status) => [...budgetFindings(status, inputs), ...burnFindings(status, inputs)]),
  ...liftedBurns(inputs),
  ...inputs.own.slos.flatMap((status) => coverageFindings(status, inputs)),
  ...inputs.own.slos.flatMap((status) => correctionFindings(status, inputs)),
];

function budgetFindings(status: SloStatus, inputs: CheckInputs): Finding[] {
  const { policy } = inputs;
  if (policy.budget === null || isFrozen('budget', status.id, inputs)) return [];
  const text = `${spentInWords(status)} of the error budget of ${status.id} is spent`;
  // A lifted freeze can be below the freeze level, but not yet below the lift level.
  if (hasSpent(status, policy.budget.freeze) || liftedOf('budget', status.id, inputs) !== undefined)
    return [
      {
        code: 'budget_spent',
        effect: 'warn',
        key: status.id,
        text,
        more: [whyNotFrozen('budget', status.id, inputs)],
      },
    ];
  if (!hasSpent(status, policy.budget.warn)) return [];
  const { spent_at } = status.forecast;
  const soon = spent_at === null ? [] : [`at the current burn rate, it is used up about ${minuteText(spent_at)}`];
  return [
    {
      code: 'budget_low',
      effect: 'warn',
      key: status.id,
      text: `${text}, and deploys freeze at ${percent(policy.budget.freeze)}`,
      more: soon,
    },
  ];
}

function burnFindings(status: SloStatus, inputs: CheckInputs): Finding[] {
  const burn = currentBurn(status, inputs);
  if (burn === undefined || isFrozen('burn', status.id, inputs)) return [];
  const { factor, long, short } = burn;
  const text = `the error budget of ${status.id} burns more than ${factor} times too fast, over the last ${long} and the last ${short}`;
  return [{ code: 'burn_rate', effect: 'warn', key: status.id, text, more: [whyNotFrozen('burn', status.id, inputs)] }];
}

const currentBurn = (status: SloStatus, { policy, at }: CheckInputs): BurnAlert | undefined =>
  describesPresent(status, policy, at) ? freezingBurn(status, policy) : undefined;

/**
 * Warns about burn-rate freezes that a person lifted before their cause was over and for which data show no current
 * burn: an alert opened them, or there are no data.
 */
function liftedBurns(inputs: CheckInputs): Finding[] {
  const { own, policy } = inputs;
  if (policy.burn === 'off') return [];
  const ids = new Set(own.freezes.flatMap(({ cause, slo }) => (cause === 'burn' && slo !== null ? [slo] : [])));
  return [...ids].flatMap((id): Finding[] => {
    const lifted = liftedOf('burn', id, inputs);
    const isReported = own.slos.some((status) => status.id === id && currentBurn(status, inputs) !== undefined);
    if (lifted === undefined || isReported || isFrozen('burn', id, inputs)) return [];
    return [
      { code: 'burn_rate', effect: 'warn', key: id, text: lifted.reason, more: [whyNotFrozen('burn', id, inputs)] },
    ];
  });
}

/**
 * Explains partly known budgets of a new service, or of a Prometheus whose retention is shorter than the window. Only a
 * note, because a warning would last for weeks.
 */
function coverageFindings(status: SloStatus, { policy, at }: CheckInputs): Finding[] {
  const { id, budget } = status;
  if (policy.budget === null || budget.remaining !== null || isStale(status, policy, at)) return [];
  const text = `only ${percent(budget.coverage)} of the budget window of ${id} is known`;
  const more = ['there are no older data', `${spentInWords(status)} is spent`];
  return [{ code: 'budget_partly_known', effect: 'note', key: id, text, more }];
}

/** Names the corrections behind a budget, so that no period is left out silently. */
function correctionFindings(status: SloStatus, { policy }: CheckInputs): Finding[] {
  if (status.corrected == null || (policy.budget === null && policy.burn === 'off')) return [];
  const text = `corrections apply to the budget of ${status.id}: ${spentInWords(status)} is spent`;
  const more = [`not counted: ${correctionsInWords(status)}`];
  return [{ code: 'budget_corrected', effect: 'note', key: status.id, text, more }];
}

const freezesOfObjective = (cause: Freeze['cause'], id: string, { own }: CheckInputs): Freeze[] =>
  own.freezes.filter((freeze) => freeze.cause === cause && freeze.slo === id);

/** Returns whether a freeze is in force for this cause. One by the budget covers the burn rate. */
const isFrozen = (cause: 'budget' | 'burn', id: string, inputs: CheckInputs): boolean =>
  coveringFreeze(id, inputs.own.freezes, inputs.at) !== undefined ||
  freezesOfObjective(cause, id, inputs).some((freeze) => stateAt(freeze, inputs.at) === 'in_force');

const liftedOf = (cause: Freeze['cause'], id: string, inputs: CheckInputs): Freeze | undefined =>
  freezesOfObjective(cause, id, inputs).find(isLifted);

function whyNotFrozen(cause: Freeze['cause'], id: string, inputs: CheckInputs): string {
  const lifted = liftedOf(cause, id, inputs);
  if (lifted === undefined) return 'the next evaluation will freeze deploys';
  const why = lifted.end_reason === null ? '' : `: ${lifted.end_reason}`;
  return `${lifted.ended_by ?? ''} lifted the freeze ${lifted.id}${why}`;
}
