import * as z from 'zod';

/**
 * Answers of the public API of Atlassian Statuspage, as its documentation and the pages of its customers show them.
 *
 * @see https://metastatuspage.com/api, read 2026-11
 */
const Id = z.string().min(1);
const Time = z.iso.datetime();
const ComponentStatus = z.enum([
  'operational',
  'degraded_performance',
  'partial_outage',
  'major_outage',
  'under_maintenance',
]);

const Page = z.object({ id: Id, name: z.string(), url: z.url(), time_zone: z.string(), updated_at: Time });

const Component = z.object({
  id: Id,
  name: z.string(),
  status: ComponentStatus,
  created_at: Time,
  updated_at: Time,
  position: z.int(),
  description: z.string().nullable(),
  showcase: z.boolean(),
  start_date: z.iso.date().nullable(),
  group_id: Id.nullable(),
  page_id: Id,
  group: z.boolean(),
  only_show_if_degraded: z.boolean(),
  components: z.array(Id).optional(),
});

const Update = <Status extends z.ZodType>(status: Status) =>
  z.object({
    id: Id,
    status,
    body: z.string(),
    incident_id: Id,
    created_at: Time,
    updated_at: Time,
    display_at: Time,
    affected_components: z
      .array(z.object({ code: Id, name: z.string(), old_status: ComponentStatus, new_status: ComponentStatus }))
      .nullable(),
    deliver_notifications: z.boolean(),
    custom_tweet: z.string().nullable(),
    tweet_id: z.string().nullable(),
  });

const Event = <Status extends z.ZodType>(status: Status) =>
  z.object({
    id: Id,
    name: z.string(),
    status,
    created_at: Time,
    updated_at: Time,
    monitoring_at: Time.nullable(),
    resolved_at: Time.nullable(),
    impact: z.enum(['none', 'minor', 'major', 'critical', 'maintenance']),
    shortlink: z.url(),
    started_at: Time,
    page_id: Id,
    incident_updates: z.array(Update(status)).min(1),
    components: z.array(Component),
    reminder_intervals: z.null(),
  });

const Incidents = z.array(Event(z.enum(['investigating', 'identified', 'monitoring', 'resolved', 'postmortem'])));
const Maintenances = z.array(
  Event(z.enum(['scheduled', 'in_progress', 'verifying', 'completed'])).extend({
    scheduled_for: Time,
    scheduled_until: Time,
  }),
);
const Status = z.object({
  indicator: z.enum(['none', 'minor', 'major', 'critical', 'maintenance']),
  description: z.string().min(1),
});

export const ANSWERS = {
  'summary.json': z.object({
    page: Page,
    components: z.array(Component),
    incidents: Incidents,
    scheduled_maintenances: Maintenances,
    status: Status,
  }),
  'status.json': z.object({ page: Page, status: Status }),
  'components.json': z.object({ page: Page, components: z.array(Component) }),
  'incidents.json': z.object({ page: Page, incidents: Incidents }),
  'incidents/unresolved.json': z.object({ page: Page, incidents: Incidents }),
  'scheduled-maintenances.json': z.object({ page: Page, scheduled_maintenances: Maintenances }),
  'scheduled-maintenances/upcoming.json': z.object({ page: Page, scheduled_maintenances: Maintenances }),
  'scheduled-maintenances/active.json': z.object({ page: Page, scheduled_maintenances: Maintenances }),
} as const;
