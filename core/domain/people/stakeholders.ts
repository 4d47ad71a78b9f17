import type { Config } from '../../../schemas/config/config.ts';
import { isAtLeast, type Severity } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';

type Stakeholder = Config['response']['stakeholders'][number];

/** Returns whether a stakeholder wants updates about an incident of these services. */
export const concernsStakeholder = (
  places: readonly Pick<IncidentRecord, 'service'>[],
  severity: Severity,
  { from, services: only, teams }: Pick<Stakeholder, 'from' | 'services' | 'teams'>,
  services: Config['services'],
): boolean =>
  isAtLeast(from, severity) &&
  places.some(({ service }) => {
    const team = Object.hasOwn(services, service) ? services[service]?.team : undefined;
    const isOfTeam = teams === undefined || (team !== undefined && teams.includes(team));
    return isOfTeam && only?.includes(service) !== false;
  });

/** Said of an update that at least one stakeholder gets. */
export const NOTIFIED = 'Stakeholders notified.';

/**
 * Says who is notified of an update. A stakeholder who was notified of a higher severity before is not counted.
 *
 * @param children of a group's parent incident
 */
export function notifiedText(
  { services, response: { stakeholders } }: Pick<Config, 'services' | 'response'>,
  { service, severity, parent_id }: Pick<IncidentRecord, 'service' | 'severity' | 'parent_id'>,
  children: readonly Pick<IncidentRecord, 'service'>[],
): string {
  if (parent_id !== undefined)
    return 'Update recorded. Stakeholders get updates of the incident of its group, not of this one.';
  if (stakeholders.length === 0) return 'Update recorded. Nobody is notified: response.yaml lists no stakeholders.';
  const places = [{ service }, ...children];
  return stakeholders.some((one) => concernsStakeholder(places, severity, one, services))
    ? NOTIFIED
    : `Update recorded. Nobody is notified: response.yaml lists no stakeholder for severity ${severity} of ${service}.`;
}
