import { groupByEach } from '../../../core/domain/group-by-each.ts';
import { onceFor } from '../../../core/domain/once-for.ts';
import type { StatusPageFile, Maintenance } from '../schemas/status-page-file.ts';
import type { PublicIncident } from '../schemas/public-incident.ts';
import type { ComponentStatus, PublicStatus } from '../schemas/states.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import type { PageSettings } from './pages.ts';
import { withComponents, worst } from './public-texts.ts';
import { dateAt, lastDays, startOfDay, type Uptime, uptimeOf } from './uptime.ts';

/** A status page as readers see it at one time. Everything in it is public. */
export type PageView = {
  page: PageSettings;
  at: Timestamp;
  /** The worst state of its components. */
  state: ComponentStatus;
  components: ComponentView[];
  /** Unresolved, newest first. */
  incidents: IncidentView[];
  /** Announced or in progress, next first. */
  maintenances: MaintenanceView[];
  /** Resolved incidents and completed maintenances, as far as they were read, newest first. */
  past: EventView[];
  /** When anything on the page last changed. */
  updated_at: Timestamp;
};

export type ComponentView = {
  name: string;
  group: string | null;
  description: string | null;
  /** The first day with data. */
  since: string;
  state: ComponentStatus;
  uptime: Uptime;
};

export type Impact = 'none' | 'minor' | 'major' | 'critical' | 'maintenance';

/** An update, newest first in lists. */
export type UpdateView<Status extends string> = {
  id: string;
  at: Timestamp;
  status: Status;
  text: string;
  /** State that the event gives its components before and after it. */
  from: ComponentStatus;
  to: ComponentStatus;
};

/** State that an event gives its components from a time on. */
export type StateView = { at: Timestamp; state: ComponentStatus };

export type IncidentView = {
  kind: 'incident';
  id: string;
  title: string;
  /** Only those on the page. */
  components: string[];
  status: PublicStatus;
  impact: Impact;
  state: ComponentStatus;
  started_at: Timestamp;
  published_at: Timestamp;
  resolved_at: Timestamp | null;
  updated_at: Timestamp;
  updates: UpdateView<PublicStatus>[];
  /** As the page has shown them. */
  states: StateView[];
  /** The published post-mortem, in Markdown. */
  postmortem: { at: Timestamp; updated_at: Timestamp; text: string } | null;
};

export type MaintenanceStatus = 'scheduled' | 'in_progress' | 'completed';

export type MaintenanceView = {
  kind: 'maintenance';
  id: string;
  title: string;
  components: string[];
  status: MaintenanceStatus;
  announced_at: Timestamp;
  from: Timestamp;
  until: Timestamp;
  updated_at: Timestamp;
  updates: UpdateView<MaintenanceStatus>[];
  states: StateView[];
};

export type EventView = IncidentView | MaintenanceView;

const IMPACTS: Readonly<Record<ComponentStatus, Impact>> = {
  operational: 'none',
  under_maintenance: 'maintenance',
  degraded_performance: 'minor',
  partial_outage: 'major',
  major_outage: 'critical',
};

const impactOf = (state: ComponentStatus): Impact => IMPACTS[state];

/** Number of days whose past events are on the page itself. */
export const PAST_DAYS = 14;

/** Configuration and records from which a page is computed. */
export type PageSource = {
  page: PageSettings;
  statusPage: Pick<StatusPageFile, 'maintenance' | 'updates'>;
  /** Unresolved, and those of the last days. Each may occur twice. */
  incidents: readonly PublicIncident[];
  /** Since when Firebreak watches components, by name. Those that are not in it are new. */
  watchedSince: ReadonlyMap<string, Timestamp>;
  now: Timestamp;
};

/** Computes a status page. */
export function pageView({ page, statusPage, incidents, watchedSince, now }: PageSource): PageView {
  const records = [...new Map(incidents.map((record) => [record.id, record])).values()];
  const shown = records.flatMap((record) => incidentView(record, page) ?? []).toSorted(newestFirst);
  const planned = statusPage.maintenance.flatMap(
    (maintenance) => maintenanceView(maintenance, statusPage, page, now) ?? [],
  );
  const days = lastDays(now, page.timeZone);
  const components = page.components.map(({ name, group, description, since: configured }): ComponentView => {
    const affecting = records.filter((record) => record.components.includes(name));
    const inForce = [
      ...affecting.filter(({ resolved_at }) => resolved_at === null).map(({ states }) => states.at(-1)?.state),
      ...planned
        .filter((maintenance) => isActive(maintenance) && maintenance.components.includes(name))
        .map(() => 'under_maintenance' as const),
    ];
    const since =
      configured === undefined
        ? dataSince(affecting, watchedSince.get(name) ?? now)
        : startOfDay(configured, page.timeZone);
    return {
      name,
      group: group ?? null,
      description: description ?? null,
      since: dateAt(since, page.timeZone),
      state: worst(inForce.map((state) => state ?? 'operational')),
      uptime: uptimeOf(affecting, {
        days,
        since,
        now,
        maintenances: planned.filter((maintenance) => maintenance.components.includes(name)),
      }),
    };
  });
  const over = [...shown.filter(({ resolved_at }) => resolved_at !== null), ...planned.filter(isCompleted)];
  return {
    page,
    at: now,
    state: worst(components.map(({ state }) => state)),
    components,
    incidents: shown.filter(({ resolved_at }) => resolved_at === null),
    maintenances: planned
      .filter((maintenance) => !isCompleted(maintenance))
      .toSorted((a, b) => (a.from < b.from ? -1 : 1)),
    past: over.toSorted(newestFirst),
    updated_at:
      [...shown, ...planned]
        .map(({ updated_at }) => updated_at)
        .toSorted()
        .at(-1) ?? dayStart(now),
  };
}

/** Returns since when there is data of a component that was not configured with its first day. */
const dataSince = (affecting: readonly PublicIncident[], watchedSince: Timestamp): Timestamp =>
  affecting.map(({ started_at }) => started_at).reduce((a, b) => (a < b ? a : b), watchedSince);

/** Before any event, the page changed when the uptime got its newest day. */
const dayStart = (now: Timestamp): Timestamp => `${now.slice(0, 10)}T00:00:00.000Z` as Timestamp;

/** When an event began, for lists and feeds. */
export const startOf = (event: EventView): Timestamp => (event.kind === 'incident' ? event.started_at : event.from);

const newestFirst = (a: EventView, b: EventView): number => (startOf(a) > startOf(b) ? -1 : 1);
const isActive = ({ status }: MaintenanceView): boolean => status === 'in_progress';
const isCompleted = ({ status }: MaintenanceView): boolean => status === 'completed';

/** Returns the past events that the page itself shows. */
export const recentEvents = ({ past, at }: PageView): EventView[] =>
  past.filter((event) => millisOf(at) - millisOf(startOf(event)) < PAST_DAYS * 86_400_000);

/** Returns an incident as a page shows it. Undefined: it affects no component on the page. */
export function incidentView(record: PublicIncident, page: PageSettings): IncidentView | undefined {
  const components = onPage(record.components, page);
  const first = record.updates[0];
  if (components.length === 0 || first === undefined) return undefined;
  const last = record.updates.at(-1) ?? first;
  const updates = record.updates.map(({ at, status, text, state }, index) => ({
    id: `${record.id}-${index + 1}`,
    at,
    status,
    text: withComponents(text, components),
    from: record.updates[index - 1]?.state ?? ('operational' as const),
    to: state,
  }));
  return {
    kind: 'incident',
    id: record.id,
    title: withComponents(record.title, components),
    components,
    status: last.status,
    impact: impactOf(worst(record.states.map(({ state }) => state))),
    state: record.states.at(-1)?.state ?? 'operational',
    started_at: record.started_at,
    published_at: record.published_at,
    resolved_at: record.resolved_at,
    updated_at:
      [last.at, record.states.at(-1)?.at ?? last.at, record.postmortem?.updated_at ?? last.at].toSorted().at(-1) ??
      last.at,
    updates: updates.toReversed(),
    states: record.states.map(({ at, state }) => ({ at: at < record.published_at ? record.published_at : at, state })),
    postmortem: record.postmortem ?? null,
  };
}

/** Returns a maintenance as a page shows it. Undefined: not announced yet, or it affects no component on the page. */
export function maintenanceView(
  { id, title, components: all, announced, from, until, text }: Maintenance,
  { updates: texts }: Pick<StatusPageFile, 'updates'>,
  page: PageSettings,
  now: Timestamp,
): MaintenanceView | undefined {
  const components = onPage(all, page);
  if (components.length === 0 || now < announced) return undefined;
  const steps = [
    { at: announced, status: 'scheduled', text, to: 'operational' },
    { at: from, status: 'in_progress', text: texts.maintenanceStarted, to: 'under_maintenance' },
    { at: until, status: 'completed', text: texts.maintenanceCompleted, to: 'operational' },
  ] as const;
  const done = steps.filter(({ at }) => at <= now);
  const last = done.at(-1) ?? steps[0];
  return {
    kind: 'maintenance',
    id,
    title: withComponents(title, components),
    components,
    status: last.status,
    announced_at: announced,
    from,
    until,
    updated_at: last.at,
    updates: done
      .map((step, index) => ({
        id: `${id}-${index + 1}`,
        at: step.at,
        status: step.status,
        text: withComponents(step.text, components),
        from: steps[index - 1]?.to ?? ('operational' as const),
        to: step.to,
      }))
      .toReversed(),
    states: done.map(({ at, to }) => ({ at, state: to })),
  };
}

/** Returns the states of a component before and after an update of an event, with those that the other events of the page give it. */
export function statesAround(
  view: PageView,
  event: EventView,
  { at, from, to }: Pick<UpdateView<string>, 'at' | 'from' | 'to'>,
  component: string,
): { before: ComponentStatus; after: ComponentStatus } {
  const others = (eventsByComponent(view).get(component) ?? []).filter(({ id }) => id !== event.id);
  const stateIn = ({ states }: EventView, isThen: (state: StateView) => boolean): ComponentStatus =>
    states.findLast(isThen)?.state ?? 'operational';
  return {
    before: worst([from, ...others.map((other) => stateIn(other, (state) => state.at < at))]),
    after: worst([to, ...others.map((other) => stateIn(other, (state) => state.at <= at))]),
  };
}

const eventsByComponent = onceFor(({ incidents, maintenances, past }: PageView) =>
  groupByEach<string, EventView>([...incidents, ...maintenances, ...past], ({ components }) => components),
);

/** Names of components that are on the page, in its order. Others may be for other audiences. */
const onPage = (names: readonly string[], page: PageSettings): string[] =>
  page.components.map(({ name }) => name).filter((name) => names.includes(name));
