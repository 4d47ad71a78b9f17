import { Hono, type Context } from 'hono';
import type { Alert, Alerts, AlertStatus, LogEntry } from './pagerduty-alerts.ts';

/**
 * The part of the REST API that looks incidents up.
 *
 * @see https://developer.pagerduty.com/api-reference (Incidents; read 2026-11)
 */
export function incidentRoutes(alerts: Alerts): Hono {
  return new Hono()
    .use(async (c, next) => (mayRead(c) ? next() : denied()))
    .get('/', (c) => {
      const statuses = c.req.queries('statuses[]') ?? [...STATUSES];
      const unknown = statuses.filter((status) => !isStatus(status));
      if (unknown.length > 0)
        return invalid(
          c,
          unknown.map((status) => `Status ${status} is not a valid status`),
        );
      const found = alerts.find({ dedupKey: c.req.query('incident_key'), statuses: statuses.filter(isStatus) });
      const ordered = newestFirst(c) ? found.toReversed() : found;
      return c.json(
        page(
          c,
          'incidents',
          ordered.map((alert) => incident(c, alert)),
        ),
      );
    })
    .get('/:id', (c) => {
      const alert = alertAt(c, alerts);
      return alert ? c.json({ incident: incident(c, alert) }) : notFound(c);
    })
    .get('/:id/log_entries', (c) => {
      const alert = alertAt(c, alerts);
      if (!alert) return notFound(c);
      return c.json(
        page(
          c,
          'log_entries',
          alerts.log(alert.id).map((entry) => logEntry(c, entry)),
        ),
      );
    });
}

const STATUSES: readonly AlertStatus[] = ['triggered', 'acknowledged', 'resolved'];
const isStatus = (status: string): status is AlertStatus => (STATUSES as readonly string[]).includes(status);

/** Every well-formed credential is good: there is nothing here to protect, only a header that may be missing. */
const mayRead = (c: Context): boolean => /^(Token token=|Bearer )\S+$/.test(c.req.header('authorization') ?? '');

/** Plain text, as the vendor's own: a client that expects JSON in every error has to cope. */
const denied = (): Response =>
  new Response('HTTP Token: Access denied.\n', {
    status: 401,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'www-authenticate': 'Token realm="Application"' },
  });

const notFound = (c: Context): Response => c.json({ error: { message: 'Not Found', code: 2100 } }, 404);

const invalid = (c: Context, errors: string[]): Response =>
  c.json({ error: { message: 'Invalid Input Provided', code: 2001, errors } }, 400);

const newestFirst = (c: Context): boolean => (c.req.query('sort_by') ?? '').endsWith(':desc');

/** Classic pagination: 25 unless asked for otherwise, 100 at most; `total` only when it is asked for. */
function page(c: Context, name: string, all: readonly unknown[]) {
  const limit = Math.min(Math.max(Number(c.req.query('limit') ?? 25) || 25, 1), 100);
  const offset = Math.max(Number(c.req.query('offset') ?? 0) || 0, 0);
  const total = c.req.query('total') === 'true' ? all.length : null;
  return { [name]: all.slice(offset, offset + limit), limit, offset, total, more: offset + limit < all.length };
}

const idOf = (number: number): string => `Q${number.toString(36).toUpperCase().padStart(13, '0')}`;

function alertAt(c: Context, alerts: Alerts): Alert | undefined {
  const digits = /^Q([0-9A-Z]{13})$/.exec(c.req.param('id') ?? '')?.[1];
  return digits === undefined ? undefined : alerts.get(Number.parseInt(digits, 36));
}

function incident(c: Context, alert: Alert) {
  const id = idOf(alert.id);
  const url = `${new URL(c.req.url).origin}/incidents/${id}`;
  const resolved = alert.status === 'resolved' ? 1 : 0;
  return {
    id,
    type: 'incident',
    summary: `[#${alert.id}] ${alert.summary}`,
    self: url,
    html_url: url,
    incident_number: alert.id,
    title: alert.summary,
    status: alert.status,
    incident_key: alert.dedup_key,
    urgency: ['critical', 'error'].includes(alert.severity) ? 'high' : 'low',
    created_at: time(alert.created_at),
    updated_at: time(alert.changed_at),
    last_status_change_at: time(alert.changed_at),
    resolved_at: alert.resolved_at === null ? null : time(alert.resolved_at),
    assignments: [],
    alert_counts: { all: 1, triggered: 1 - resolved, resolved },
  };
}

function logEntry(c: Context, entry: LogEntry) {
  const id = `R${entry.id.toString(36).toUpperCase().padStart(25, '0')}`;
  return {
    id,
    type: `${entry.action}_log_entry`,
    self: `${new URL(c.req.url).origin}/log_entries/${id}`,
    created_at: time(entry.at),
    incident: { id: idOf(entry.alert_id), type: 'incident_reference' },
  };
}

/** Whole seconds, UTC. */
const time = (millis: number): string => new Date(millis).toISOString().replace(/\.\d{3}Z$/, 'Z');
