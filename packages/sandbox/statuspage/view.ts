import type { ComponentStatus } from './states.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import type { Component, Components } from './components.ts';
import type { Incidents } from './incidents.ts';
import type { Impact, IncidentStatus } from './request.ts';

/** The page as customers see it. Times are RFC 3339. */
export type StatuspageView = {
  /** The headline of the page, such as `All Systems Operational`. */
  headline: string;
  components: { name: string; status: ComponentStatus }[];
  /** Newest first. */
  incidents: {
    name: string;
    status: IncidentStatus;
    impact: Impact;
    created_at: string;
    resolved_at: string | null;
    /** The names of the affected components. */
    components: string[];
    /** Newest first. */
    updates: { status: IncidentStatus; body: string; at: string }[];
  }[];
};

export function pageView(components: Components, incidents: Incidents): StatuspageView {
  const all = components.all();
  return {
    headline: headlineOf(all),
    components: all.map(({ name, status }) => ({ name, status })),
    incidents: incidents.all().map((incident) => ({
      name: incident.name,
      status: incident.status,
      impact: incident.impact,
      created_at: timestamp(incident.created_at),
      resolved_at: incident.resolved_at === null ? null : timestamp(incident.resolved_at),
      components: incidents.components(incident).map((component) => component.name),
      updates: incident.updates.map((update) => ({
        status: update.status,
        body: update.body,
        at: timestamp(update.created_at),
      })),
    })),
  };
}

/** Headlines by the worst status, if all components have it or only some. */
const HEADLINES: readonly [ComponentStatus, { all: string; some: string }][] = [
  ['major_outage', { all: 'Major System Outage', some: 'Partial System Outage' }],
  ['partial_outage', { all: 'Partial System Outage', some: 'Minor Service Outage' }],
  ['degraded_performance', { all: 'Degraded System Service', some: 'Partially Degraded Service' }],
  ['under_maintenance', { all: 'Service Under Maintenance', some: 'Service Under Maintenance' }],
];

/**
 * Returns the headline, similar to Statuspage, which does not document exactly how it combines several components.
 *
 * @see https://support.atlassian.com/statuspage/docs/top-level-status-and-incident-impact-calculations/ (read 2026-11)
 */
function headlineOf(components: readonly Component[]): string {
  const worst = HEADLINES.find(([status]) => components.some((component) => component.status === status));
  if (worst === undefined) return 'All Systems Operational';
  const [status, words] = worst;
  return components.every((component) => component.status === status) ? words.all : words.some;
}
