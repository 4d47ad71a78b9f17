import type { CheckedChange } from '../../schemas/freeze-check.ts';
import type { FreezeFile, FreezeRules, Identity } from '../../schemas/freeze-policy.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/names.ts';

/** What holds for one service in one environment. Shares are of the budget, 0 to 1 and beyond. */
export type FreezePolicy = {
  /** Null: budgets do not freeze. */
  budget: { warn: number; freeze: number; liftBelow: number } | null;
  burn: 'page' | 'ticket' | 'off';
  minimumSeconds: number;
  /** Besides a rollback to a version known good, which always passes. */
  passes: readonly CheckedChange[];
  identities: readonly Identity[];
  dependants: 'off' | 'warn' | 'on';
  incidents: 'off' | 'critical' | 'warning';
  stale: { afterSeconds: number; deploys: 'allow' | 'deny' };
  outage: { maxAgeSeconds: number; deploys: 'allow' | 'deny' };
  overrides: { people: 1 | 2; maxSeconds: number };
};

export const DEFAULT_POLICY: FreezePolicy = {
  budget: { warn: 0.75, freeze: 1, liftBelow: 0.95 },
  burn: 'page',
  minimumSeconds: 15 * 60,
  passes: [],
  identities: [],
  dependants: 'warn',
  incidents: 'off',
  stale: { afterSeconds: 10 * 60, deploys: 'allow' },
  outage: { maxAgeSeconds: 3600, deploys: 'allow' },
  overrides: { people: 1, maxSeconds: 24 * 3600 },
};

/** Of whom a policy is wanted, as the catalogue has it. */
export type PolicySubject = {
  service: ServiceName;
  environment: EnvironmentName;
  team: string | null;
  tier: number | null;
};

/** The default, then what is said for all, then each policy that matches: the last word on each thing counts. */
export function policyFor(file: FreezeFile, subject: PolicySubject): FreezePolicy {
  const matching = file.policies.filter(
    ({ match }) =>
      has(match.service, subject.service) &&
      has(match.environment, subject.environment) &&
      has(match.team, subject.team) &&
      has(match.tier, subject.tier),
  );
  return [file.defaults, ...matching].reduce(withRules, DEFAULT_POLICY);
}

const has = <T>(wanted: readonly T[] | undefined, value: T | null): boolean =>
  wanted === undefined || (value !== null && wanted.includes(value));

function withRules(policy: FreezePolicy, rules: FreezeRules): FreezePolicy {
  return {
    budget: budgetOf(policy.budget, rules.budget),
    burn: rules.burn ?? policy.burn,
    minimumSeconds: rules.minimumMinutes === undefined ? policy.minimumSeconds : rules.minimumMinutes * 60,
    passes: rules.passes ?? policy.passes,
    identities: rules.identities ?? policy.identities,
    dependants: rules.dependants ?? policy.dependants,
    incidents: rules.incidents ?? policy.incidents,
    stale: {
      afterSeconds: rules.stale?.afterMinutes === undefined ? policy.stale.afterSeconds : rules.stale.afterMinutes * 60,
      deploys: rules.stale?.deploys ?? policy.stale.deploys,
    },
    outage: {
      maxAgeSeconds:
        rules.outage?.maxAgeMinutes === undefined ? policy.outage.maxAgeSeconds : rules.outage.maxAgeMinutes * 60,
      deploys: rules.outage?.deploys ?? policy.outage.deploys,
    },
    overrides: {
      people: rules.overrides?.people ?? policy.overrides.people,
      maxSeconds:
        rules.overrides?.maxHours === undefined ? policy.overrides.maxSeconds : rules.overrides.maxHours * 3600,
    },
  };
}

/** What is not said of a budget stays; a freeze that is set without a level to lift at lifts 5 % below. */
function budgetOf(before: FreezePolicy['budget'], rules: FreezeRules['budget']): FreezePolicy['budget'] {
  if (rules === undefined) return before;
  if (rules === 'off') return null;
  const base = before ?? DEFAULT_POLICY.budget;
  const freeze = rules.freeze ?? base?.freeze ?? 1;
  const liftBelow = rules.liftBelow ?? (rules.freeze === undefined ? base?.liftBelow : undefined) ?? freeze * 0.95;
  // Two policies that know nothing of each other can say so together.
  const isBelow = liftBelow < freeze;
  return { warn: rules.warn ?? base?.warn ?? 0.75, freeze, liftBelow: isBelow ? liftBelow : freeze * 0.95 };
}
