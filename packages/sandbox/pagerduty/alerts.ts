import type { DatabaseSync } from 'node:sqlite';
import type { AlertEvent, EventAction } from './event.ts';

/** An alert and its incident in one row, since the stand-in does not group alerts. */
export const alertTables = `
  create table if not exists pagerduty_alerts (
    id integer primary key,
    routing_key text not null,
    dedup_key text not null,
    status text not null,
    summary text not null,
    severity text not null,
    created_at integer not null,
    changed_at integer not null,
    resolved_at integer
  );
  create unique index if not exists pagerduty_open_alerts
    on pagerduty_alerts (routing_key, dedup_key) where status <> 'resolved';
  create table if not exists pagerduty_log (
    id integer primary key,
    alert_id integer not null references pagerduty_alerts (id),
    action text not null,
    at integer not null
  );
  create index if not exists pagerduty_log_of_alert on pagerduty_log (alert_id, id);
  create table if not exists pagerduty_details (
    alert_id integer primary key references pagerduty_alerts (id),
    details text not null
  );
  create table if not exists pagerduty_assignees (
    alert_id integer primary key references pagerduty_alerts (id),
    names text not null
  );
  create table if not exists pagerduty_updates (
    log_id integer primary key references pagerduty_log (id),
    summary text not null
  );
  create table if not exists pagerduty_people (
    log_id integer primary key references pagerduty_log (id),
    name text not null
  );
`;

export type AlertStatus = 'triggered' | 'acknowledged' | 'resolved';

/** An alert. Times are in milliseconds since the Unix epoch. */
export type Alert = {
  id: number;
  dedup_key: string;
  status: AlertStatus;
  summary: string;
  severity: string;
  created_at: number;
  changed_at: number;
  resolved_at: number | null;
};

/**
 * A log entry. `name` is the person's name; null for the Events API. `summary`: of a repeated trigger; null for other
 * entries.
 */
export type LogEntry = {
  id: number;
  alert_id: number;
  action: EventAction;
  at: number;
  name: string | null;
  summary: string | null;
};

export type AlertFilter = {
  dedupKey?: string | undefined;
  statuses: readonly AlertStatus[];
  /** Created from `since` (inclusive) to `until` (exclusive). */
  since?: number;
  until?: number;
};

export type Alerts = {
  /**
   * Applies an event. A trigger opens an alert. If one with the same key is open, the trigger is logged on it and
   * updates its details; the incident keeps its title and status, and nobody is notified. Acknowledge and resolve change the open alert, and are ignored if there is none. Alerts of other routing keys are not changed.
   *
   * @param routingKey identifies the integration
   */
  apply(routingKey: string, event: AlertEvent & { dedupKey: string }, at: number): void;
  /** Applies an action of a person. Returns false if the incident is already resolved. */
  actAs(id: number, action: 'acknowledge' | 'resolve', name: string, at: number): boolean;
  /** Assigns an incident to people, by name. */
  assign(id: number, names: readonly string[]): void;
  /** Returns the IDs of the assignees. Empty if the incident has its default assignee. */
  assignees(id: number): string[];
  get(id: number): Alert | undefined;
  /** Returns the details of the newest trigger. */
  details(id: number): unknown;
  /** Returns alerts, oldest first. */
  find(filter: AlertFilter): Alert[];
  /** Returns alerts, newest first. */
  newest(limit: number): Alert[];
  /** Returns log entries, newest first. */
  log(alertId: number): LogEntry[];
};

export function openAlerts(db: DatabaseSync): Alerts {
  const selectOpen = db.prepare(`
    select * from pagerduty_alerts where routing_key = ? and dedup_key = ? and status <> 'resolved'`);
  const insert = db.prepare(`
    insert into pagerduty_alerts (routing_key, dedup_key, status, summary, severity, created_at, changed_at)
    values (:routingKey, :dedupKey, 'triggered', :summary, :severity, :at, :at)`);
  const putDetails = db.prepare('insert or replace into pagerduty_details (alert_id, details) values (?, ?)');
  const addUpdate = db.prepare('insert into pagerduty_updates (log_id, summary) values (?, ?)');
  const selectDetails = db.prepare('select details from pagerduty_details where alert_id = ?');
  const acknowledge = db.prepare(`
    update pagerduty_alerts set status = 'acknowledged', changed_at = :at where id = :id and status = 'triggered'`);
  const resolve = db.prepare(`
    update pagerduty_alerts set status = 'resolved', changed_at = :at, resolved_at = :at where id = :id`);
  const addLog = db.prepare('insert into pagerduty_log (alert_id, action, at) values (?, ?, ?)');
  const addPerson = db.prepare('insert into pagerduty_people (log_id, name) values (?, ?)');
  const assign = db.prepare('insert or replace into pagerduty_assignees (alert_id, names) values (?, ?)');
  const selectAssignees = db.prepare('select names from pagerduty_assignees where alert_id = ?');
  const selectLog = db.prepare(`
    select log.*, people.name, updates.summary from pagerduty_log log
    left join pagerduty_people people on people.log_id = log.id
    left join pagerduty_updates updates on updates.log_id = log.id
    where alert_id = ? order by log.id desc`);
  const select = db.prepare('select * from pagerduty_alerts where id = ?');
  const selectNewest = db.prepare('select * from pagerduty_alerts order by id desc limit ?');
  const search = db.prepare(`
    select * from pagerduty_alerts
    where (:dedupKey is null or dedup_key = :dedupKey) and created_at >= :since and created_at < :until order by id`);

  const insertAlert = (routingKey: string, { dedupKey, summary, severity, details }: NewAlert, at: number): number => {
    const id = Number(insert.run({ routingKey, dedupKey, summary, severity, at }).lastInsertRowid);
    putDetails.run(id, JSON.stringify(details));
    return id;
  };
  const log = (id: number, action: EventAction, at: number): number | bigint => {
    if (action === 'acknowledge') acknowledge.run({ id, at });
    if (action === 'resolve') resolve.run({ id, at });
    return addLog.run(id, action, at).lastInsertRowid;
  };
  const get = (id: number) => select.get(id) as Alert | undefined;

  return {
    apply(routingKey, event, at) {
      const openAlert = selectOpen.get(routingKey, event.dedupKey) as Alert | undefined;
      if (!openAlert && event.action !== 'trigger') return;
      const entry = log(openAlert?.id ?? insertAlert(routingKey, event, at), event.action, at);
      if (openAlert === undefined || event.action !== 'trigger') return;
      putDetails.run(openAlert.id, JSON.stringify(event.details));
      addUpdate.run(entry, event.summary);
    },
    actAs(id, action, name, at) {
      if (get(id)?.status === 'resolved') return false;
      addPerson.run(log(id, action, at), name);
      return true;
    },
    assign: (id, names) => void assign.run(id, JSON.stringify(names)),
    assignees(id) {
      const row = selectAssignees.get(id) as { names: string } | undefined;
      return row === undefined ? [] : (JSON.parse(row.names) as string[]);
    },
    get,
    details(id) {
      const row = selectDetails.get(id) as { details: string } | undefined;
      return row && (JSON.parse(row.details) as unknown);
    },
    find: ({ dedupKey, statuses, since, until }) =>
      (
        search.all({
          dedupKey: dedupKey ?? null,
          since: since ?? 0,
          until: until ?? Number.MAX_SAFE_INTEGER,
        }) as Alert[]
      ).filter(({ status }) => statuses.includes(status)),
    newest: (limit) => selectNewest.all(limit) as Alert[],
    log: (alertId) => selectLog.all(alertId) as LogEntry[],
  };
}

type NewAlert = AlertEvent & { dedupKey: string };

/** Returns the people who have acknowledged an alert, each once, oldest first. Empty if it is not acknowledged. */
export function acknowledgers(alert: Alert, log: readonly LogEntry[]): { name: string | null; at: number }[] {
  if (alert.status !== 'acknowledged') return [];
  const acknowledged = log.filter(({ action }) => action === 'acknowledge').toReversed();
  return acknowledged.filter(({ name }, n) => acknowledged.findIndex((entry) => entry.name === name) === n);
}

export const urgencyOf = ({ severity }: Alert): 'high' | 'low' =>
  ['critical', 'error'].includes(severity) ? 'high' : 'low';
