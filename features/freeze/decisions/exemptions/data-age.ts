import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { minuteText, type Timestamp } from '../../../../schemas/time/time.ts';
import type { CheckInputs } from '../check-inputs.ts';
import type { Finding } from '../finding.ts';
import { exemptionByKind } from './passes.ts';
import type { FreezePolicy } from '../policy.ts';
import { dataAge, isStale, unreadBudget } from '../budget/spending.ts';
import { list } from '../../../../core/domain/correlation/words.ts';
import { percent } from '../words.ts';
import { suggestionText } from '../../../../schemas/parsing/similar-names.ts';
import { ageText } from '../../../../core/domain/time/age.ts';

/** Reports a service that the catalogue does not have. Freezes that apply to everything apply to it as well. */
export function unknownService(inputs: CheckInputs): Finding[] {
  if (inputs.isKnownService) return [];
  const { request, suggestedService: suggestion } = inputs;
  const finding = {
    code: 'unknown_service',
    key: [request.service, suggestion ?? []].flat().join(' '),
    text: `the catalogue has no service ${JSON.stringify(request.service)}${suggestionText(suggestion)}`,
  } as const;
  const fix = 'correct the name, or add the service to config/services.yaml';
  if (inputs.unknownService === 'allow') return [{ ...finding, effect: 'warn', more: ['the policy allows this', fix] }];
  return [
    refusedUnlessExempt(inputs, {
      ...finding,
      more: ['the policy does not allow this', fix],
      clears: 'when the service is added to the catalogue',
    }),
  ];
}

/** Age of the data behind an answer. */
export type DataAge = {
  /**
   * Age in seconds of the oldest data among the objectives. Null: no objective can freeze, or the data of at least one
   * are missing or insufficient.
   */
  ageSeconds: number | null;
  /** Objectives with stale or missing data, with explanations. Empty: none. */
  stale: StaleObjective[];
};

/** `old`: data exist, but are older than the policy accepts. */
type StaleObjective = { key: string; text: string; old: boolean };

/** @returns an empty `stale` if no objective can freeze: none is configured, or the policy turns such freezes off */
export function dataAgeOf({ at, objectives, objectiveIds, own, policy, evaluatedAt }: CheckInputs): DataAge {
  const canFreeze = objectives > 0 && (policy.budget !== null || policy.burn !== 'off');
  if (!canFreeze) return { ageSeconds: null, stale: [] };
  const missing = missingObjectives(objectives, objectiveIds, own.slos);
  const lastEvaluationText = evaluatedAt === null ? 'no evaluation yet' : `last evaluation: ${minuteText(evaluatedAt)}`;
  return {
    ageSeconds: missing.count > 0 ? null : oldestAge(own.slos.map((status) => ageOf(status, policy, at))),
    stale: [
      ...own.slos
        .filter((status) => isStale(status, policy, at))
        .map((status) => ({ key: status.id, ...stalenessOf(status, policy, at) })),
      ...(missing.count > 0
        ? [
            {
              key: `missing ${missing.names.join(' ') || missing.count}`,
              text: `${missing.count} of ${objectives} objectives have not been evaluated yet${missing.names.length > 0 ? `: ${list(missing.names)}` : ''} (${lastEvaluationText})`,
              old: false,
            },
          ]
        : []),
    ],
  };
}

/**
 * Returns the objectives without a status. Inputs stored by older versions have only the number of objectives, not
 * their IDs.
 */
function missingObjectives(
  objectives: number,
  ids: readonly string[] | undefined,
  known: readonly SloStatus[],
): { count: number; names: string[] } {
  if (ids === undefined) return { count: objectives - known.length, names: [] };
  const names = ids.filter((id) => !known.some((status) => status.id === id));
  return { count: names.length, names };
}

/** Returns the age in seconds; null if too little of the budget is known to state an age. */
const ageOf = (status: SloStatus, policy: FreezePolicy, at: Timestamp): number | null =>
  unreadBudget(status, policy) === null ? dataAge(status, at) : null;

const oldestAge = (ages: readonly (number | null)[]): number | null =>
  ages.reduce((oldest, seconds) => (oldest === null || seconds === null ? null : Math.max(oldest, seconds)), 0);

function stalenessOf(status: SloStatus, policy: FreezePolicy, at: Timestamp): Omit<StaleObjective, 'key'> {
  const { id, problem, budget } = status;
  const seconds = dataAge(status, at);
  if (seconds === null) return { text: withCause(`${id} has no data`, problem), old: false };
  if (seconds > policy.stale.afterSeconds)
    return { text: withCause(`the data of ${id} are ${ageText(seconds)} old`, problem), old: true };
  const known = `only ${percent(budget.coverage)} of the budget window of ${id} is known`;
  return { text: withCause(`${known}, and the rest could not be read`, unreadBudget(status, policy)), old: false };
}

const withCause = (what: string, why: string | null): string => (why === null ? what : `${what}: ${why}`);

/**
 * Reports data that are too old or could not be read: by policy a warning or a refusal. An override cannot lift the
 * refusal, because there is no freeze to override.
 */
export function staleFindings(inputs: CheckInputs, { stale }: DataAge): Finding[] {
  if (stale.length === 0) return [];
  const { afterSeconds, deploys } = inputs.policy.stale;
  const texts = stale.map(({ text }) => text);
  const [only = ''] = texts;
  const finding = {
    code: 'stale_data',
    key: JSON.stringify(stale.map(({ key }) => key).toSorted()),
    text: texts.length === 1 ? only : `the data of ${texts.length} objectives are missing, too old, or incomplete`,
  } as const;
  const more = [
    ...(texts.length === 1 ? [] : texts),
    ...(stale.some(({ old }) => old) ? [`data are too old after ${ageText(afterSeconds)}`] : []),
  ];
  if (deploys === 'allow') return [{ ...finding, effect: 'warn', more: [...more, ALLOWED_IF_STALE] }];
  return [
    refusedUnlessExempt(inputs, {
      ...finding,
      more: [...more, REFUSED_IF_STALE],
      clears: 'when Prometheus answers again and an evaluation has succeeded',
    }),
  ];
}

const ALLOWED_IF_STALE = 'the policy allows deploys in that case';
const REFUSED_IF_STALE = 'the policy does not allow deploys in that case';

/** Reports that Firebreak cannot read or write everything: what it knows may be out of date. The policy is that of old data. */
export function storageFindings(inputs: CheckInputs): Finding[] {
  const { storageProblem, policy } = inputs;
  if (storageProblem === undefined) return [];
  const finding = { code: 'stale_data', key: 'storage', text: storageProblem } as const;
  const effect = 'freezes, deployments, and error budgets may be out of date';
  if (policy.stale.deploys === 'allow') return [{ ...finding, effect: 'warn', more: [effect, ALLOWED_IF_STALE] }];
  return [
    refusedUnlessExempt(inputs, {
      ...finding,
      more: [effect, REFUSED_IF_STALE],
      clears: 'when Firebreak can read and write again',
    }),
  ];
}

function refusedUnlessExempt(inputs: CheckInputs, finding: Omit<Finding, 'effect'>): Finding {
  const pass = exemptionByKind(inputs, inputs.policy.passes);
  return pass === undefined ? { ...finding, effect: 'refuse' } : { ...finding, effect: 'warn', pass };
}
