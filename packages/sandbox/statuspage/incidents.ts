import type { DatabaseSync } from 'node:sqlite';
import type { ComponentStatus } from './states.ts';
import { documents } from '../core/exchanges.ts';
import { type Component, type Components, idOf } from './components.ts';
import { type Automatic, type Impact, type IncidentChange, type IncidentStatus, isMaintenance } from './request.ts';

/** An incident. Times are in milliseconds since the Unix epoch. */
export type Incident = {
  id: string;
  name: string;
  status: IncidentStatus;
  impact: Impact;
  impact_override: Impact | null;
  metadata: object;
  created_at: number;
  updated_at: number;
  monitoring_at: number | null;
  resolved_at: number | null;
  /** The times of a maintenance. Undefined: it is an incident. */
  schedule?: Schedule;
  /** The IDs of its components. */
  affected: string[];
  /** Newest first. */
  updates: Update[];
  /** A deleted incident stays, so that no other one gets its ID. */
  isDeleted: boolean;
};

/** Times of a maintenance, in milliseconds since the Unix epoch. */
export type Schedule = { for: number; until: number; automatic: Partial<Record<Automatic, boolean>> };

export type Affected = { code: string; name: string; old_status: ComponentStatus; new_status: ComponentStatus };

export type Update = {
  id: string;
  status: IncidentStatus;
  body: string;
  affected: Affected[];
  deliver_notifications: boolean;
  created_at: number;
};

export type Incidents = ReturnType<typeof openIncidents>;

const IMPACT_OF: Readonly<Record<ComponentStatus, Impact>> = {
  operational: 'none',
  under_maintenance: 'maintenance',
  degraded_performance: 'minor',
  partial_outage: 'major',
  major_outage: 'major',
};
const MILDEST_FIRST: readonly Impact[] = ['none', 'maintenance', 'minor', 'major', 'critical'];

export function openIncidents(db: DatabaseSync, components: Components) {
  const stored = documents<Incident>(db, 'statuspage incident');
  const put = (incident: Incident): Incident => stored.put(incident, incident.id);

  /** Returns the components of an incident, in the order of the page. */
  const componentsOf = ({ affected }: Incident): Component[] =>
    components.all().filter(({ id }) => affected.includes(id));

  /** Sets the given statuses, and returns the change of every component of the incident. */
  const changeComponents = (incident: Incident, change: IncidentChange, at: number): Affected[] =>
    componentsOf(incident).map(({ id: code, name, status: before }) => {
      const status = change.components[code];
      if (status !== undefined) components.change(code, { name: undefined, description: undefined, status }, at);
      return { code, name, old_status: before, new_status: status ?? before };
    });

  const apply = (before: Incident, change: IncidentChange, at: number, isNew: boolean): Incident => {
    const affected = [...(change.componentIds ?? before.affected), ...Object.keys(change.components)];
    const changes = changeComponents({ ...before, affected }, change, at);
    const next = { ...changed(before, change, changes, at), affected: [...new Set(affected)] };
    const isTold = isNew || change.status !== undefined || change.body !== undefined;
    const update: Update = {
      id: idOf('update', stored.all().flatMap(({ updates }) => updates).length + 1),
      status: next.status,
      body: change.body ?? '',
      affected: changes,
      deliver_notifications: change.deliverNotifications,
      created_at: at,
    };
    return put({ ...next, updates: isTold ? [update, ...before.updates] : before.updates });
  };

  return {
    /** Returns incidents, newest first. */
    all: (): Incident[] =>
      stored
        .all()
        .filter(({ isDeleted }) => !isDeleted)
        .toReversed(),
    get(id: string): Incident | undefined {
      const found = stored.get(id);
      return found?.isDeleted === false ? found : undefined;
    },
    components: componentsOf,
    open(change: IncidentChange & { name: string }, at: number): Incident {
      const times = { created_at: at, updated_at: at, monitoring_at: null, resolved_at: null };
      const empty = { impact_override: null, metadata: {}, affected: [], updates: [], isDeleted: false };
      const id = idOf('incident', stored.count() + 1);
      const opened = { id, name: change.name, status: 'investigating', impact: 'none', ...empty, ...times } as const;
      return apply({ ...opened, affected: [], updates: [] }, change, at, true);
    },
    update: (incident: Incident, change: IncidentChange, at: number) => apply(incident, change, at, false),
    delete: (incident: Incident) => put({ ...incident, isDeleted: true }),
  };
}

/**
 * Returns the incident after the change. Resolving an incident does not reset its components. A maintenance has at least
 * the impact `maintenance`.
 */
function changed(before: Incident, change: IncidentChange, affected: readonly Affected[], at: number): Incident {
  const status = change.status ?? before.status;
  const override = change.impactOverride ?? before.impact_override;
  const impacts = [
    before.impact,
    ...(isMaintenance(status) ? ['maintenance' as const] : []),
    ...affected.map(({ new_status: now }) => IMPACT_OF[now]),
  ];
  const [from, until] = [change.scheduledFor ?? before.schedule?.for, change.scheduledUntil ?? before.schedule?.until];
  const automatic = { ...before.schedule?.automatic, ...change.automatic };
  return {
    ...before,
    name: change.name ?? before.name,
    status,
    impact: override ?? worst(impacts),
    impact_override: override,
    metadata: change.metadata ?? before.metadata,
    ...(from !== undefined && until !== undefined && { schedule: { for: from, until, automatic } }),
    updated_at: at,
    monitoring_at: change.status === 'monitoring' ? at : before.monitoring_at,
    resolved_at: status === 'resolved' || status === 'completed' ? (before.resolved_at ?? at) : null,
  };
}

/**
 * Returns the worst impact, since an incident's impact never decreases. The documentation does not define how
 * Statuspage combines several components exactly; this takes the worst. `critical` comes only from `impact_override`.
 *
 * @see https://support.atlassian.com/statuspage/docs/top-level-status-and-incident-impact-calculations/ (read 2026-11)
 */
const worst = (impacts: readonly Impact[]): Impact =>
  MILDEST_FIRST[Math.max(...impacts.map((impact) => MILDEST_FIRST.indexOf(impact)))] ?? 'none';
