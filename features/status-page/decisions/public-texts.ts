import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { list } from '../../../core/domain/correlation/words.ts';
import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { ComponentStatus, PublicStatus } from '../schemas/states.ts';
import type { StatusPageFile } from '../schemas/status-page-file.ts';
import { type IncidentId, isAtLeast } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/*
 * Public texts about incidents. They consist only of templates and configured names.
 */

type PublishedFields = Pick<
  IncidentRecord,
  'service' | 'environment' | 'severity' | 'status' | 'verification' | 'suspects' | 'published_by'
>;

type ShownFields = Pick<PublishedFields, 'service' | 'environment' | 'severity'>;

/** Returns the components that an incident affects; empty: nothing is published. */
export function componentsOf(
  incident: ShownFields & Pick<PublishedFields, 'published_by'>,
  config: Pick<Config, 'services' | 'statusPage'>,
): { names: readonly string[]; publish: 'now' | 'ask' } {
  if (whyNotShown(incident, config) !== null) return { names: [], publish: 'ask' };
  const entry = serviceEntry(config.services, incident.service);
  const names = entry?.statusPage?.components ?? [];
  const allowed = entry?.statusPage?.publish === 'auto' || incident.published_by !== undefined;
  return { names, publish: allowed ? 'now' : 'ask' };
}

/** Returns why the status page never shows an incident like this, and which setting decides it. Null: it can show it. */
export function whyNotShown(
  { service, environment, severity }: ShownFields,
  { services, statusPage }: Pick<Config, 'services' | 'statusPage'>,
): string | null {
  if ((serviceEntry(services, service)?.statusPage?.components ?? []).length === 0)
    return `${service} has no component on the status page: set statusPage.components of the service in services.yaml`;
  if (!statusPage.environments.includes(environment))
    return `the environment ${environment} is not public: add it to environments in status-page.yaml`;
  if (!isAtLeast(statusPage.from, severity))
    return `the severity ${severity} is not public: set the severity to ${statusPage.from}, or change from in status-page.yaml`;
  return null;
}

/** Returns the status of an incident as the status page shows it. */
export function publicStatus({ status, suspects }: Pick<PublishedFields, 'status' | 'suspects'>): PublicStatus {
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

/** Returns the text of an update. Of an incident that closed without a proof of recovery, none says that all is well. */
export const updateText = (incident: IncidentRecord, { updates }: StatusPageFile): string =>
  closedAsOf(incident) === 'unverified' ? updates.closed : updates[publicStatus(incident)];

/** Returns a component's status by this incident alone. */
export function componentStatus(
  { status, severity }: Pick<PublishedFields, 'status' | 'severity'>,
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

const BY_SEVERITY: readonly ComponentStatus[] = [
  'operational',
  'under_maintenance',
  'degraded_performance',
  'partial_outage',
  'major_outage',
];

/** Returns a component's status by all incidents that affect it. */
export const worst = (statuses: readonly ComponentStatus[]): ComponentStatus =>
  BY_SEVERITY[Math.max(0, ...statuses.map((status) => BY_SEVERITY.indexOf(status)))] ?? 'operational';

/** Fills in a template. @param names names of components, from the configuration rather than from an alert */
export const withComponents = (template: string, names: readonly string[]): string =>
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
