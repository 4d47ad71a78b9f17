import type { Config } from '../../../schemas/config/config.ts';
import type { FreezeRules } from '../../freeze/schemas/freeze-policy.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { incidentFreeze } from '../../freeze/decisions/causes.ts';
import { policyFor } from '../../freeze/decisions/policy.ts';
import type { Outcome } from './outcome.ts';

/**
 * Returns the freeze that an open incident causes under a policy.
 *
 * @param until its end. Null: it is open, or its end cannot be known
 */
export function freezeOf(incident: IncidentRecord, until: Timestamp | null, policy: Config): Outcome['freeze'] {
  const { service, environment } = incident;
  const entry = serviceEntry(policy.services, service);
  const subject = { service, environment, team: entry?.team ?? null, tier: entry?.tier ?? null };
  const freeze = incidentFreeze(incident, policyFor(policy.freeze, subject), (text) => text);
  return freeze === null ? null : { from: freeze.starts_at, until };
}

/** Parts of a configuration that a replay does not cover, with what they decide. */
const NOT_REPLAYED: readonly (readonly [what: string, of: (config: Config) => unknown])[] = [
  [
    'who may deploy during freezes, and what the freeze check says',
    ({ freeze: { defaults, policies, calendar, ...rest } }) => [
      deployRules(defaults),
      policies
        .map(({ match, name: _name, ...rules }) => [match, deployRules(rules)])
        .filter(([, rules]) => isNotEmpty(rules)),
      calendar.flatMap(({ name, passes }) => (passes === undefined ? [] : [[name, passes]])),
      rest,
    ],
  ],
  ['when incidents become a group (manyAtOnce): recorded groups stay as they were', ({ routes }) => routes.manyAtOnce],
  ['repeated pages of incidents that nobody acknowledges', ({ response }) => response],
];

/** Returns the rules that open and end no freeze: they decide about deployments during one. */
function deployRules({ budget, burn: _b, minimumMinutes: _m, incidents: _i, stale, ...rules }: FreezeRules): object {
  return {
    ...rules,
    ...(typeof budget === 'object' && budget.warn !== undefined && { warn: budget.warn }),
    ...(stale?.deploys !== undefined && { stale: stale.deploys }),
  };
}

const isNotEmpty = (rules: unknown): boolean =>
  typeof rules === 'object' && rules !== null && Object.keys(rules).length > 0;

/** Returns the differences between two policies whose effect a replay cannot show. */
export const notReplayed = (before: Config, after: Config): string[] =>
  NOT_REPLAYED.flatMap(([what, partIn]) =>
    JSON.stringify(partIn(before)) === JSON.stringify(partIn(after)) ? [] : [`changed, but not replayed: ${what}`],
  );
