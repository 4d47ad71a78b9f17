import type { DatabaseSync } from 'node:sqlite';
import type { AlertEvent, EventAction } from './pagerduty-event.ts';

/** An alert and its incident, which are one here: nothing groups alerts. */
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
  create table if not exists pagerduty_people (
    log_id integer primary key references pagerduty_log (id),
    name text not null
  );
`;

export type AlertStatus = 'triggered' | 'acknowledged' | 'resolved';

/** Times are milliseconds since the Unix epoch. */
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

/** `name`: of the person who did it; null: it came by the Events API. */
export type LogEntry = { id: number; alert_id: number; action: EventAction; at: number; name: string | null };

export type AlertFilter = {
  dedupKey?: string | undefined;
  statuses: readonly AlertStatus[];
  /** Opened from here on, and before there. */
  since?: number;
  until?: number;
};

export type Alerts = {
  /**
   * A trigger opens an alert, or is logged on the open one with its key. Acknowledge and resolve change the open one,
   * and are dropped without a word where there is none. Alerts of another routing key are never touched.
   *
   * @param routingKey any text that stands for the integration
   */
  apply(routingKey: string, event: AlertEvent & { dedupKey: string }, at: number): void;
  /** A person acts on it. False: there is nothing to do, since it is resolved. */
  act(id: number, action: 'acknowledge' | 'resolve', name: string, at: number): boolean;
  /** To these people, by name. */
  assign(id: number, names: readonly string[]): void;
  /** Empty: to whoever it went to by itself. */
  assignees(id: number): string[];
  get(id: number): Alert | undefined;
  /** What the first trigger told. */
  details(id: number): unknown;
  /** Oldest first. */
  find(filter: AlertFilter): Alert[];
  /** Newest first. */
  newest(limit: number): Alert[];
  /** Newest first. */
  log(alertId: number): LogEntry[];
};

export function openAlerts(db: DatabaseSync): Alerts {
  const selectOpen = db.prepare(`
    select * from pagerduty_alerts where routing_key = ? and dedup_key = ? and status <> 'resolved'`);
  const insert = db.prepare(`
    insert into pagerduty_alerts (routing_key, dedup_key, status, summary, severity, created_at, changed_at)
    values (:routingKey, :dedupKey, 'triggered', :summary, :severity, :at, :at)`);
  const insertDetails = db.prepare('insert into pagerduty_details (alert_id, details) values (?, ?)');
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
    select log.*, people.name from pagerduty_log log left join pagerduty_people people on people.log_id = log.id
    where alert_id = ? order by log.id desc`);
  const select = db.prepare('select * from pagerduty_alerts where id = ?');
  const selectNewest = db.prepare('select * from pagerduty_alerts order by id desc limit ?');
  const search = db.prepare(`
    select * from pagerduty_alerts
    where (:dedupKey is null or dedup_key = :dedupKey) and created_at >= :since and created_at < :until order by id`);

  const open = (routingKey: string, { dedupKey, summary, severity, details }: NewAlert, at: number): number => {
    const id = Number(insert.run({ routingKey, dedupKey, summary, severity, at }).lastInsertRowid);
    insertDetails.run(id, JSON.stringify(details));
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
      const known = selectOpen.get(routingKey, event.dedupKey) as Alert | undefined;
      if (!known && event.action !== 'trigger') return;
      log(known?.id ?? open(routingKey, event, at), event.action, at);
    },
    act(id, action, name, at) {
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

/** Who has acknowledged it, each once, first the first; none when it is not acknowledged. */
export function acknowledgers(alert: Alert, log: readonly LogEntry[]): { name: string | null; at: number }[] {
  if (alert.status !== 'acknowledged') return [];
  const acknowledged = log.filter(({ action }) => action === 'acknowledge').toReversed();
  return acknowledged.filter(({ name }, n) => acknowledged.findIndex((entry) => entry.name === name) === n);
}

export const urgencyOf = ({ severity }: Alert): 'high' | 'low' =>
  ['critical', 'error'].includes(severity) ? 'high' : 'low';
