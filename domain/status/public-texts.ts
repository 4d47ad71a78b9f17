import { serviceEntry } from '../catalogue/catalogue.ts';
import { list } from '../correlation/words.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord, TimelineEntry } from '../../schemas/incidents/incident.ts';
import type { ComponentStatus, PublicStatus } from '../../schemas/status/states.ts';
import type { StatusPageFile } from '../../schemas/status/status-page-file.ts';
import { type IncidentId, isFrom } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Public texts about incidents. They consist only of templates and configured names. */

type PublicIncident = Pick<
  IncidentRecord,
  'service' | 'environment' | 'severity' | 'status' | 'verification' | 'suspects' | 'published_by'
>;

/** Returns the components that an incident affects; empty: nothing is published. */
export function componentsOf(
  incident: Pick<PublicIncident, 'service' | 'environment' | 'severity' | 'published_by'>,
  { services, statusPage }: Pick<Config, 'services' | 'statusPage'>,
): { names: readonly string[]; publish: 'now' | 'ask' } {
  const entry = serviceEntry(services, incident.service);
  const names = entry?.statusPage?.components ?? [];
  const severe = isFrom(statusPage.from, incident.severity);
  if (names.length === 0 || !severe || !statusPage.environments.includes(incident.environment))
    return { names: [], publish: 'ask' };
  const allowed = entry?.statusPage?.publish === 'auto' || incident.published_by !== undefined;
  return { names, publish: allowed ? 'now' : 'ask' };
}

export function publicStatus({ status, suspects }: Pick<PublicIncident, 'status' | 'suspects'>): PublicStatus {
  switch (status) {
    case 'resolved':
      return 'resolved';
    case 'mitigated':
      return 'monitoring';
    case 'mitigating':
      return suspects.length > 0 ? 'identified' : 'investigating';
    case 'open':
      return 'investigating';
  }
}

/** Returns a component's status by this incident alone. */
export function componentStatus(
  { status, severity }: Pick<PublicIncident, 'status' | 'severity'>,
  { components }: StatusPageFile,
): ComponentStatus {
  switch (status) {
    case 'resolved':
      return 'operational';
    case 'mitigated':
      return components.mitigated;
    case 'mitigating':
    case 'open':
      return severity === 'critical' ? components.critical : components.warning;
  }
}

const WORST: readonly ComponentStatus[] = [
  'operational',
  'under_maintenance',
  'degraded_performance',
  'partial_outage',
  'major_outage',
];

/** Returns a component's status by all incidents that affect it. */
export const worst = (statuses: readonly ComponentStatus[]): ComponentStatus =>
  WORST[Math.max(0, ...statuses.map((status) => WORST.indexOf(status)))] ?? 'operational';

/** @param names names of components, from the configuration rather than from an alert */
export const words = (template: string, names: readonly string[]): string =>
  template.replaceAll('{components}', () => list(names));

/** Returns the timeline entry that asks for approval of the publication, with its key: it is written once. */
export const approvalRequest = (id: IncidentId, at: Timestamp): [key: string, entry: TimelineEntry] => [
  'status-page-approval',
  {
    at,
    actor: 'firebreak',
    kind: 'statuspage.approval_requested',
    text: `The status page waits for approval: use "Publish update…" in the channel, or POST /v1/incidents/${id}/actions/publish`,
    detail: null,
  },
];
