import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { serviceEntry } from './catalogue.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { healthQueryOf } from '../monitoring/objective-health.ts';
import { wholeOf } from '../correlation/query.ts';

/** Query for the current health of a service and environment. `called`: its description for readers of the result. */
export type HealthQuery = NonNullable<EnvironmentEntry['health']> & { called: string };

/**
 * Returns the health query from the catalogue, else one derived from the objective with the highest target. Undefined:
 * there is none.
 */
export function healthOf(
  { services, slos }: Pick<Config, 'services' | 'slos'>,
  serviceEnvironment: ServiceEnvironment,
): HealthQuery | undefined {
  const { service, environment } = serviceEnvironment;
  const { environments = {} } = serviceEntry(services, service) ?? {};
  const configured = Object.hasOwn(environments, environment) ? environments[environment]?.health : undefined;
  if (configured !== undefined) return { ...configured, called: configured.promql };
  const [slo] = slos
    .filter((objective) => objective.service === service && objective.environment === environment)
    .toSorted((a, b) => b.target - a.target || (a.id < b.id ? -1 : 1));
  return slo && { ...healthQueryOf(slo), called: `the error ratio of ${slo.id}` };
}

/** Returns the greatest value of a query that measures the share of failed requests: 1, or 100 for a percentage. Null: it measures no share. */
export function wholeOfHealth({ promql, called, max }: HealthQuery): 1 | 100 | null {
  // A query that is derived from an objective is its error ratio.
  const whole = wholeOf(promql) ?? (called === promql ? null : 1);
  // No ratio exceeds 1, so a limit of 1 is one of a percentage.
  return whole === 1 && max >= 1 ? 100 : whole;
}

/** Returns the health query of an incident. A group has none: its members have their own. */
export const healthOfIncident = (
  config: Parameters<typeof healthOf>[0],
  { group_reason: group, ...incident }: ServiceEnvironment & Pick<IncidentRecord, 'group_reason'>,
): HealthQuery | undefined => (group === undefined ? healthOf(config, incident) : undefined);
