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

export type LogEntry = { id: number; alert_id: number; action: EventAction; at: number };

export type Alerts = {
  /**
   * A trigger opens an alert, or is logged on the open one with its key. Acknowledge and resolve change the open one,
   * and are dropped without a word where there is none. Alerts of another routing key are never touched.
   *
   * @param routingKey any text that stands for the integration
   */
  apply(routingKey: string, event: AlertEvent & { dedupKey: string }, at: number): void;
  get(id: number): Alert | undefined;
  /** Oldest first. */
  find(filter: { dedupKey: string | undefined; statuses: readonly AlertStatus[] }): Alert[];
  /** Newest first. */
  log(alertId: number): LogEntry[];
};

export function openAlerts(db: DatabaseSync): Alerts {
  const selectOpen = db.prepare(`
    select * from pagerduty_alerts where routing_key = ? and dedup_key = ? and status <> 'resolved'`);
  const insert = db.prepare(`
    insert into pagerduty_alerts (routing_key, dedup_key, status, summary, severity, created_at, changed_at)
    values (:routingKey, :dedupKey, 'triggered', :summary, :severity, :at, :at)`);
  const acknowledge = db.prepare(`
    update pagerduty_alerts set status = 'acknowledged', changed_at = :at where id = :id and status = 'triggered'`);
  const resolve = db.prepare(`
    update pagerduty_alerts set status = 'resolved', changed_at = :at, resolved_at = :at where id = :id`);
  const addLog = db.prepare('insert into pagerduty_log (alert_id, action, at) values (?, ?, ?)');
  const selectLog = db.prepare('select * from pagerduty_log where alert_id = ? order by id desc');
  const select = db.prepare('select * from pagerduty_alerts where id = ?');
  const search = db.prepare(`
    select * from pagerduty_alerts where (:dedupKey is null or dedup_key = :dedupKey) order by id`);

  return {
    apply(routingKey, { action, dedupKey, summary, severity }, at) {
      const open = selectOpen.get(routingKey, dedupKey) as Alert | undefined;
      if (!open && action !== 'trigger') return;
      const id = open?.id ?? Number(insert.run({ routingKey, dedupKey, summary, severity, at }).lastInsertRowid);
      if (action === 'acknowledge') acknowledge.run({ id, at });
      if (action === 'resolve') resolve.run({ id, at });
      addLog.run(id, action, at);
    },
    get: (id) => select.get(id) as Alert | undefined,
    find: ({ dedupKey, statuses }) =>
      (search.all({ dedupKey: dedupKey ?? null }) as Alert[]).filter(({ status }) => statuses.includes(status)),
    log: (alertId) => selectLog.all(alertId) as LogEntry[],
  };
}
