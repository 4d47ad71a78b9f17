import type { DatabaseSync } from 'node:sqlite';
import type { ComponentStatus } from '../../../schemas/status/states.ts';
import { type Component, type Components, idOf } from './components.ts';
import { type Automatic, type Impact, type IncidentChange, type IncidentStatus, isMaintenance } from './request.ts';

export const incidentTables = `
  create table if not exists statuspage_incidents (
    number integer primary key,
    id text not null unique,
    name text not null,
    status text not null,
    impact text not null,
    impact_override text,
    metadata text not null,
    created_at integer not null,
    updated_at integer not null,
    monitoring_at integer,
    resolved_at integer
  );
  create table if not exists statuspage_schedules (
    incident text primary key,
    scheduled_for integer not null,
    scheduled_until integer not null,
    automatic text not null
  );
  create table if not exists statuspage_deleted (
    incident text primary key
  );
  create table if not exists statuspage_affected (
    incident text not null,
    component text not null,
    primary key (incident, component)
  );
  create table if not exists statuspage_updates (
    number integer primary key,
    incident text not null,
    status text not null,
    body text not null,
    affected text not null,
    deliver_notifications integer not null,
    created_at integer not null
  );
`;

/** An incident. Times are in milliseconds since the Unix epoch. */
export type Incident = {
  id: string;
  name: string;
  status: IncidentStatus;
  impact: Impact;
  impact_override: Impact | null;
  /** JSON. */
  metadata: string;
  created_at: number;
  updated_at: number;
  monitoring_at: number | null;
  resolved_at: number | null;
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

export type Incidents = {
  /** Returns incidents, newest first. */
  all(): Incident[];
  get(id: string): Incident | undefined;
  /** Returns the times of a maintenance. Undefined: it is an incident. */
  schedule(id: string): Schedule | undefined;
  /** Returns the updates of an incident, newest first. */
  updates(id: string): Update[];
  /** Returns the components of an incident, in the order of the page. */
  components(id: string): Component[];
  open(change: IncidentChange & { name: string }, at: number): Incident;
  update(incident: Incident, change: IncidentChange, at: number): Incident;
  delete(incident: Incident): void;
};

const IMPACT_OF: Readonly<Record<ComponentStatus, Impact>> = {
  operational: 'none',
  under_maintenance: 'maintenance',
  degraded_performance: 'minor',
  partial_outage: 'major',
  major_outage: 'major',
};
const MILDEST_FIRST: readonly Impact[] = ['none', 'maintenance', 'minor', 'major', 'critical'];

export function openIncidents(db: DatabaseSync, components: Components): Incidents {
  const notDeleted = 'id not in (select incident from statuspage_deleted)';
  const all = db.prepare(`select * from statuspage_incidents where ${notDeleted} order by number desc`);
  const get = db.prepare(`select * from statuspage_incidents where id = ? and ${notDeleted}`);
  const next = db.prepare('select coalesce(max(number), 0) + 1 as number from statuspage_incidents');
  const insert = db.prepare(`
    insert into statuspage_incidents (number, id, name, status, impact, metadata, created_at, updated_at)
    values (:number, :id, :name, 'investigating', 'none', '{}', :at, :at) returning *`);
  const write = db.prepare(`
    update statuspage_incidents
    set name = :name, status = :status, impact = :impact, impact_override = :impact_override, metadata = :metadata,
      updated_at = :updated_at, monitoring_at = :monitoring_at, resolved_at = :resolved_at
    where id = :id returning *`);
  const affected = db.prepare(`
    select c.* from statuspage_components c join statuspage_affected a on a.component = c.id
    where a.incident = ? order by c.position`);
  const removeAffected = db.prepare('delete from statuspage_affected where incident = ?');
  const addAffected = db.prepare('insert or ignore into statuspage_affected (incident, component) values (?, ?)');
  const updates = db.prepare('select * from statuspage_updates where incident = ? order by number desc');
  const addUpdate = db.prepare(`
    insert into statuspage_updates (incident, status, body, affected, deliver_notifications, created_at)
    values (:incident, :status, :body, :affected, :deliver, :at)`);

  const schedules = db.prepare('select * from statuspage_schedules where incident = ?');
  const plan = db.prepare('insert or replace into statuspage_schedules values (:incident, :from, :until, :automatic)');
  // The row stays, so that no other incident gets its ID.
  const remove = db.prepare('insert or ignore into statuspage_deleted (incident) values (?)');

  const scheduleOf = (id: string): Schedule | undefined => {
    const row = schedules.get(id) as { scheduled_for: number; scheduled_until: number; automatic: string } | undefined;
    return (
      row && {
        for: row.scheduled_for,
        until: row.scheduled_until,
        automatic: JSON.parse(row.automatic) as Schedule['automatic'],
      }
    );
  };

  const reschedule = (id: string, { scheduledFor, scheduledUntil, automatic }: IncidentChange): void => {
    const before = scheduleOf(id);
    const [from, until] = [scheduledFor ?? before?.for, scheduledUntil ?? before?.until];
    if (from === undefined || until === undefined) return;
    plan.run({ incident: id, from, until, automatic: JSON.stringify({ ...before?.automatic, ...automatic }) });
  };

  const componentsOf = (id: string): Component[] =>
    (affected.all(id) as { id: string }[]).flatMap((row) => components.get(row.id) ?? []);

  /** Sets the given statuses, and returns the change of every component of the incident. */
  const changeComponents = (id: string, change: IncidentChange, at: number): Affected[] => {
    if (change.componentIds) removeAffected.run(id);
    for (const each of [...(change.componentIds ?? []), ...Object.keys(change.components)]) addAffected.run(id, each);
    return componentsOf(id).map(({ id: code, name, status: before }) => {
      const status = change.components[code];
      if (status !== undefined) components.change(code, { name: undefined, description: undefined, status }, at);
      return { code, name, old_status: before, new_status: status ?? before };
    });
  };

  const apply = (incident: Incident, change: IncidentChange, at: number, isNew: boolean): Incident => {
    const affectedComponents = changeComponents(incident.id, change, at);
    reschedule(incident.id, change);
    const updated = write.get(changedRow(incident, change, affectedComponents, at)) as Incident;
    if (isNew || change.status !== undefined || change.body !== undefined) {
      addUpdate.run({
        incident: incident.id,
        status: updated.status,
        body: change.body ?? '',
        affected: JSON.stringify(affectedComponents),
        deliver: Number(change.deliverNotifications),
        at,
      });
    }
    return updated;
  };

  return {
    all: () => all.all() as Incident[],
    get: (id) => get.get(id) as Incident | undefined,
    updates: (id) => (updates.all(id) as UpdateRow[]).map(updateOf),
    schedule: scheduleOf,
    components: componentsOf,
    open(change, at) {
      const { number } = next.get() as { number: number };
      const opened = insert.get({ number, id: idOf('incident', number), name: change.name, at }) as Incident;
      return apply(opened, change, at, true);
    },
    update: (incident, change, at) => apply(incident, change, at, false),
    delete: ({ id }) => void remove.run(id),
  };
}

/**
 * Returns the incident after the change. Resolving an incident does not reset its components. A maintenance has at least
 * the impact `maintenance`.
 */
function changedRow(
  before: Incident,
  change: IncidentChange,
  affectedComponents: readonly Affected[],
  at: number,
): Omit<Incident, 'created_at'> {
  const status = change.status ?? before.status;
  const override = change.impactOverride ?? before.impact_override;
  return {
    id: before.id,
    name: change.name ?? before.name,
    status,
    impact:
      override ??
      worst([
        before.impact,
        ...(isMaintenance(status) ? ['maintenance' as const] : []),
        ...affectedComponents.map(({ new_status: now }) => IMPACT_OF[now]),
      ]),
    impact_override: override,
    metadata: change.metadata === undefined ? before.metadata : JSON.stringify(change.metadata),
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

type UpdateRow = Omit<Update, 'id' | 'affected' | 'deliver_notifications'> & {
  number: number;
  affected: string;
  deliver_notifications: number;
};

const updateOf = (row: UpdateRow): Update => ({
  ...row,
  id: idOf('update', row.number),
  affected: JSON.parse(row.affected) as Affected[],
  deliver_notifications: row.deliver_notifications === 1,
});
