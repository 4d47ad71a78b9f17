import type { Component } from './components.ts';
import type { Incident, Incidents, Schedule, Update } from './incidents.ts';

/**
 * Objects in the format of the API, with all documented fields.
 *
 * @see https://developer.statuspage.io/ (Components, Incidents; read 2026-11)
 */
export const componentJson = (pageId: string, component: Component): object => ({
  id: component.id,
  page_id: pageId,
  group_id: component.group_id,
  created_at: time(component.created_at),
  updated_at: time(component.updated_at),
  group: component.members.length > 0,
  ...(component.members.length > 0 && { components: component.members }),
  name: component.name,
  description: component.description,
  position: component.position,
  status: component.status,
  showcase: true,
  only_show_if_degraded: false,
  automation_email: `component+${component.id}@notifications.statuspage.io`,
  start_date: time(component.created_at).slice(0, 10),
});

export const incidentJson = (pageId: string, incident: Incident, incidents: Incidents): object => ({
  id: incident.id,
  components: incidents.components(incident).map((component) => componentJson(pageId, component)),
  created_at: time(incident.created_at),
  impact: incident.impact,
  impact_override: incident.impact_override,
  incident_updates: incident.updates.map((update) => updateJson(incident, update)),
  metadata: incident.metadata,
  monitoring_at: timeOrNull(incident.monitoring_at),
  name: incident.name,
  page_id: pageId,
  postmortem_body: null,
  postmortem_body_last_updated_at: null,
  postmortem_ignored: false,
  postmortem_notified_subscribers: false,
  postmortem_notified_twitter: false,
  postmortem_published_at: null,
  resolved_at: timeOrNull(incident.resolved_at),
  ...scheduleJson(incident.schedule),
  scheduled_reminded_at: null,
  shortlink: `https://stspg.io/${incident.id}`,
  status: incident.status,
  updated_at: time(incident.updated_at),
  reminder_intervals: null,
});

/** Fields of a maintenance. The last two exist only there. */
const scheduleJson = (schedule: Schedule | undefined): object => ({
  scheduled_auto_completed: schedule?.automatic.scheduled_auto_completed ?? false,
  scheduled_auto_in_progress: schedule?.automatic.scheduled_auto_in_progress ?? false,
  scheduled_for: timeOrNull(schedule?.for ?? null),
  scheduled_remind_prior: schedule?.automatic.scheduled_remind_prior ?? false,
  scheduled_until: timeOrNull(schedule?.until ?? null),
  ...(schedule !== undefined && {
    auto_transition_to_maintenance_state: schedule.automatic.auto_transition_to_maintenance_state ?? false,
    auto_transition_to_operational_state: schedule.automatic.auto_transition_to_operational_state ?? false,
  }),
});

const updateJson = (incident: Incident, update: Update): object => ({
  affected_components: update.affected,
  body: update.body,
  created_at: time(update.created_at),
  custom_tweet: null,
  deliver_notifications: update.deliver_notifications,
  display_at: time(update.created_at),
  id: update.id,
  incident_id: incident.id,
  status: update.status,
  tweet_id: null,
  twitter_updated_at: null,
  updated_at: time(update.created_at),
  wants_twitter_update: false,
});

const time = (millis: number): string => new Date(millis).toISOString();
const timeOrNull = (millis: number | null): string | null => (millis === null ? null : time(millis));
