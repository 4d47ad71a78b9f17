import { sha256 } from '../../../core/stores/hash.ts';
import {
  type ComponentView,
  type EventView,
  type IncidentView,
  type MaintenanceView,
  type PageView,
  statesAround,
  type UpdateView,
} from '../decisions/view.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { eventPath, pageUrl } from '../decisions/pages.ts';
import { overallOf } from '../decisions/words.ts';

/**
 * The public API of Atlassian Statuspage, so that its widgets and clients can read this page.
 *
 * @see https://metastatuspage.com/api, read 2026-11
 */

/** Number of incidents, or of past maintenances, in a list. */
const LIST_MAX = 50;

/** A status page as it is now. `publicUrl`: the address of Firebreak, for links. */
export type PageSource = { view: PageView; publicUrl: string | undefined };

/** Builds the answers, by path below `api/v2/`. */
export const API: Readonly<Record<string, (source: PageSource) => object>> = {
  'summary.json': (source) => ({
    ...pageFields(source),
    components: componentsOf(source.view),
    incidents: source.view.incidents.map((one) => incidentOf(source, one)),
    scheduled_maintenances: source.view.maintenances.map((one) => maintenanceOf(source, one)),
    status: statusOf(source),
  }),
  'status.json': (source) => ({ ...pageFields(source), status: statusOf(source) }),
  'components.json': (source) => ({ ...pageFields(source), components: componentsOf(source.view) }),
  'incidents.json': (source) => ({
    ...pageFields(source),
    incidents: [...source.view.incidents, ...source.view.past.filter((one) => one.kind === 'incident')]
      .toSorted((a, b) => (a.published_at > b.published_at ? -1 : 1))
      .slice(0, LIST_MAX)
      .map((one) => incidentOf(source, one)),
  }),
  'incidents/unresolved.json': (source) => ({
    ...pageFields(source),
    incidents: source.view.incidents.map((one) => incidentOf(source, one)),
  }),
  'scheduled-maintenances.json': (source) =>
    maintenancesOf(source, [
      ...source.view.maintenances,
      ...source.view.past.filter((one) => one.kind === 'maintenance').slice(0, LIST_MAX),
    ]),
  'scheduled-maintenances/upcoming.json': (source) =>
    maintenancesOf(
      source,
      source.view.maintenances.filter(({ status }) => status === 'scheduled'),
    ),
  'scheduled-maintenances/active.json': (source) =>
    maintenancesOf(
      source,
      source.view.maintenances.filter(({ status }) => status === 'in_progress'),
    ),
};

/** Returns an ID that is always the same for a name. IDs of Statuspage have 12 characters. */
const statuspageId = (kind: string, name: string): string => sha256(`${kind} ${name}`).slice(0, 12);

const statusOf = ({ view }: PageSource) => {
  const { indicator, description } = overallOf(view);
  return { indicator, description };
};

const pageFields = ({ view: { page, updated_at }, publicUrl }: PageSource) => ({
  page: {
    id: statuspageId('page', page.name),
    name: page.title,
    url: pageUrl(page, publicUrl),
    time_zone: page.timeZone,
    updated_at,
  },
});

/** Lists components and groups, which are components with `group: true`. */
function componentsOf(view: PageView): object[] {
  const groups = [...new Set(view.components.flatMap(({ group }) => group ?? []))];
  return [
    ...view.components.map((component) => componentOf(view, component)),
    ...groups.map((name, index) => {
      const members = view.components.filter(({ group }) => group === name);
      const [first] = members;
      return {
        ...componentFields(view, { position: index + 1, since: first?.since ?? view.at.slice(0, 10) }),
        id: statuspageId('group', name),
        name,
        status: groupStatus(members),
        description: null,
        group_id: null,
        group: true,
        components: members.map((one) => statuspageId('component', one.name)),
      };
    }),
  ];
}

/** States from the best to the worst. */
const STATES_BY_SEVERITY = [
  'operational',
  'under_maintenance',
  'degraded_performance',
  'partial_outage',
  'major_outage',
] as const;

const groupStatus = (members: readonly ComponentView[]): string =>
  STATES_BY_SEVERITY.findLast((state) => members.some((one) => one.state === state)) ?? 'operational';

const componentOf = (view: PageView, { name, group, description, since, state }: ComponentView) => ({
  ...componentFields(view, { position: view.components.findIndex((one) => one.name === name) + 1, since }),
  id: statuspageId('component', name),
  name,
  status: state,
  description,
  group_id: group === null ? null : statuspageId('group', group),
  group: false,
});

/** Fields that components and groups share. */
const componentFields = ({ page, updated_at }: PageView, { position, since }: { position: number; since: string }) => ({
  created_at: `${since}T00:00:00.000Z` as Timestamp,
  updated_at,
  position,
  showcase: true,
  start_date: since,
  page_id: statuspageId('page', page.name),
  only_show_if_degraded: false,
});

/** Fields that incidents and maintenances share. */
function eventFields({ view, publicUrl }: PageSource, event: EventView) {
  const affected = view.components.filter(({ name }) => event.components.includes(name));
  return {
    id: event.id,
    name: event.title,
    status: event.status,
    updated_at: event.updated_at,
    shortlink: `${pageUrl(view.page, publicUrl)}/${eventPath(event)}`,
    page_id: statuspageId('page', view.page.name),
    incident_updates: event.updates.map((update) => updateView(view, event, update)),
    components: affected.map((one) => componentOf(view, one)),
    reminder_intervals: null,
    postmortem_body: null,
    postmortem_published_at: null,
    postmortem_ignored: false,
  };
}

const updateView = (view: PageView, event: EventView, update: UpdateView<string>) => ({
  id: update.id,
  status: update.status,
  body: update.text,
  incident_id: event.id,
  created_at: update.at,
  updated_at: update.at,
  display_at: update.at,
  affected_components: event.components.map((name) => {
    const { before, after } = statesAround(view, event, update, name);
    return { code: statuspageId('component', name), name, old_status: before, new_status: after };
  }),
  deliver_notifications: true,
  custom_tweet: null,
  tweet_id: null,
});

const incidentOf = (source: PageSource, incident: IncidentView) => ({
  ...eventFields(source, incident),
  ...postmortemFields(source, incident),
  created_at: incident.published_at,
  started_at: incident.started_at,
  monitoring_at: incident.updates.find(({ status }) => status === 'monitoring')?.at ?? null,
  resolved_at: incident.resolved_at,
  impact: incident.impact,
});

/** Returns the fields of a published post-mortem: the status `postmortem`, and its text as the newest update, as at Statuspage. */
function postmortemFields({ view }: PageSource, incident: IncidentView): object {
  const { postmortem, updates } = incident;
  if (postmortem === null) return {};
  const last = { id: `${incident.id}-postmortem`, status: 'postmortem', text: postmortem.text, at: postmortem.at };
  return {
    status: 'postmortem',
    incident_updates: [
      {
        ...updateView(view, incident, { ...last, from: incident.state, to: incident.state }),
        updated_at: postmortem.updated_at,
      },
      ...updates.map((update) => updateView(view, incident, update)),
    ],
    postmortem_body: postmortem.text,
    postmortem_published_at: postmortem.at,
  };
}

const maintenancesOf = (source: PageSource, maintenances: readonly MaintenanceView[]) => ({
  ...pageFields(source),
  scheduled_maintenances: maintenances.map((one) => maintenanceOf(source, one)),
});

const maintenanceOf = (source: PageSource, maintenance: MaintenanceView) => ({
  ...eventFields(source, maintenance),
  created_at: maintenance.announced_at,
  started_at: maintenance.announced_at,
  monitoring_at: null,
  resolved_at: maintenance.status === 'completed' ? maintenance.until : null,
  impact: 'maintenance' as const,
  scheduled_for: maintenance.from,
  scheduled_until: maintenance.until,
});

/** The page with uptime, and the days on which a component was not operational: `/status.json`. */
export const pageJson = (source: PageSource): object => {
  const { view } = source;
  return {
    ...pageFields(source),
    status: { ...statusOf(source), state: view.components.length === 0 ? null : view.state },
    components: view.components.map(({ name, group, state, uptime }) => ({
      name,
      group,
      state,
      uptime: uptime.share,
      days: uptime.days.filter(({ minutes }) => Object.keys(minutes).length > 0),
    })),
    incidents: view.incidents.map((one) => incidentOf(source, one)),
    scheduled_maintenances: view.maintenances.map((one) => maintenanceOf(source, one)),
  };
};
