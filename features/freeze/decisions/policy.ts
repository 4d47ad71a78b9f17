import type { CheckedChange } from '../schemas/checked-change.ts';
import type { FreezeFile, FreezeRules } from '../schemas/freeze-policy.ts';
import type { Identity } from '../../../schemas/access/identity-claims.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';

/**
 * Effective policy for one service in one environment. Shares of the budget are from 0 to 1, and above 1 if overspent.
 */
export type FreezePolicy = {
  /** Null: budgets do not freeze. */
  budget: { warn: number; freeze: number; liftBelow: number } | null;
  burn: 'page' | 'ticket' | 'off';
  minimumSeconds: number;
  /** Exempt kinds of change, in addition to a rollback to a known good version, which always passes. */
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

/** Service and environment whose policy is requested, with team and tier from the catalogue. */
export type PolicySubject = {
  service: ServiceName;
  environment: EnvironmentName;
  team: string | null;
  tier: number | null;
};

/**
 * Merges the built-in defaults, the file's defaults, and each matching policy in order; later rules override earlier
 * ones.
 */
export function policyFor(file: FreezeFile, subject: PolicySubject): FreezePolicy {
  const matching = file.policies.filter(
    ({ match }) =>
      isSelected(match.service, subject.service) &&
      isSelected(match.environment, subject.environment) &&
      isSelected(match.team, subject.team) &&
      isSelected(match.tier, subject.tier),
  );
  return [file.defaults, ...matching].reduce(withRules, DEFAULT_POLICY);
}

/** Returns the freeze policy for a service and environment, based on the service's team and tier in the catalogue. */
export function policyOf(config: Config, { service, environment }: ServiceEnvironment): FreezePolicy {
  const entry = Object.hasOwn(config.services, service) ? config.services[service] : undefined;
  return policyFor(config.freeze, { service, environment, team: entry?.team ?? null, tier: entry?.tier ?? null });
}

const isSelected = <T>(selected: readonly T[] | undefined, value: T | null): boolean =>
  selected === undefined || (value !== null && selected.includes(value));

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

/**
 * Merges budget rules: levels that are not set keep their value. A new freeze level without a lift level lifts at 95 %
 * of the freeze level.
 */
function budgetOf(before: FreezePolicy['budget'], rules: FreezeRules['budget']): FreezePolicy['budget'] {
  if (rules === undefined) return before;
  if (rules === 'off') return null;
  const base = before ?? DEFAULT_POLICY.budget;
  const freeze = rules.freeze ?? base?.freeze ?? 1;
  const liftBelow = rules.liftBelow ?? (rules.freeze === undefined ? base?.liftBelow : undefined) ?? freeze * 0.95;
  // Two independent policies can together set a lift level above the freeze level.
  const isBelow = liftBelow < freeze;
  return { warn: rules.warn ?? base?.warn ?? 0.75, freeze, liftBelow: isBelow ? liftBelow : freeze * 0.95 };
}

/** Returns whether any policy lets incidents freeze. */
export const incidentsCanFreeze = ({ freeze: { defaults, policies } }: Pick<Config, 'freeze'>): boolean =>
  [defaults, ...policies].some(({ incidents = 'off' }) => incidents !== 'off');
