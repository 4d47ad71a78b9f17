import { Hono, type Context } from 'hono';
import { InstantIn, millisOf } from '../../../schemas/time/time.ts';
import type { Alert, AlertFilter, Alerts, AlertStatus } from './alerts.ts';
import type { Notes } from './notes.ts';
import { alertObject, incidentNumber, incidentObject, logEntryObject, noteObject } from './objects.ts';
import { notFound, restAccess } from './rest.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** Time range of a list without `since`: a month, taken as 30 days. */
const DEFAULT_RANGE_MS = 30 * 24 * 3_600_000;

/**
 * The part of the REST API that finds incidents and adds notes to them. Every API key counts as an account key, and
 * needs the `From` header to write.
 *
 * @see https://developer.pagerduty.com/api-reference (Incidents; read 2026-11)
 */
export function incidentRoutes(alerts: Alerts, notes: Notes, deps: StandInDeps): Hono {
  return new Hono()
    .use(restAccess(deps))
    .get('/', (c) => {
      const read = filterOf(c, deps.now());
      if (read instanceof Response) return read;
      const found = alerts.find(read);
      const ordered = isNewestFirst(c) ? found.toReversed() : found;
      return c.json(
        page(
          c,
          'incidents',
          ordered.map((alert) => incidentObject(originOf(c), alert, alerts)),
        ),
      );
    })
    .get('/:id', (c) => {
      const alert = alertAt(c, alerts);
      return alert ? c.json({ incident: incidentObject(originOf(c), alert, alerts) }) : notFound(c);
    })
    .get('/:id/alerts', (c) => {
      const alert = alertAt(c, alerts);
      if (!alert) return notFound(c);
      return c.json(page(c, 'alerts', [alertObject(originOf(c), alert, alerts)].filter(matchesQuery(c))));
    })
    .get('/:id/notes', (c) => {
      const alert = alertAt(c, alerts);
      return alert ? c.json({ notes: notes.of(alert.id).map(noteObject) }) : notFound(c);
    })
    .post('/:id/notes', async (c) => {
      const alert = alertAt(c, alerts);
      if (!alert) return notFound(c);
      const author = c.req.header('from');
      const error = fromHeaderError(author);
      if (error) return c.json({ error: error }, 400);
      const content = contentOf(await c.req.text());
      if (content === undefined) return invalid(c, ['Content cannot be empty']);
      return c.json({
        note: noteObject(notes.add({ alert_id: alert.id, author: author ?? '', content, at: deps.now() })),
      });
    })
    .get('/:id/log_entries', (c) => {
      const alert = alertAt(c, alerts);
      if (!alert) return notFound(c);
      return c.json(
        page(
          c,
          'log_entries',
          alerts.log(alert.id).map((entry) => logEntryObject(originOf(c), entry)),
        ),
      );
    });
}

const STATUSES: readonly AlertStatus[] = ['triggered', 'acknowledged', 'resolved'];
const isStatus = (status: string): status is AlertStatus => (STATUSES as readonly string[]).includes(status);

const invalid = (c: Context, errors: string[]): Response =>
  c.json({ error: { message: 'Invalid Input Provided', code: 2001, errors } }, 400);

function filterOf(c: Context, now: number): AlertFilter | Response {
  const statuses = c.req.queries('statuses[]') ?? [...STATUSES];
  const unknown = statuses.filter((status) => !isStatus(status));
  if (unknown.length > 0)
    return invalid(
      c,
      unknown.map((status) => `Status ${status} is not a valid status`),
    );
  const filter = { dedupKey: c.req.query('incident_key'), statuses: statuses.filter(isStatus) };
  if (c.req.query('date_range') === 'all') return filter;
  const [since, until] = [instantOf(c.req.query('since')), instantOf(c.req.query('until'))];
  if (Number.isNaN(since) || Number.isNaN(until))
    return c.json({ error: { message: "Invalid time values in 'since' and/or 'until' parameters", code: 2004 } }, 400);
  return {
    ...filter,
    since: since ?? (until ?? now) - DEFAULT_RANGE_MS,
    ...(until === undefined ? {} : { until }),
  };
}

/** Parses a time into milliseconds since the Unix epoch. Returns NaN if it is invalid. */
function instantOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const read = InstantIn.safeParse(text);
  return read.success ? millisOf(read.data) : Number.NaN;
}

const isNewestFirst = (c: Context): boolean => (c.req.query('sort_by') ?? '').endsWith(':desc');

/** Returns a page with classic pagination: 25 items by default, at most 100. `total` is included only on request. */
function page(c: Context, name: string, all: readonly unknown[]) {
  const limit = Math.min(Math.max(Number(c.req.query('limit') ?? 25) || 25, 1), 100);
  const offset = Math.max(Number(c.req.query('offset') ?? 0) || 0, 0);
  const total = c.req.query('total') === 'true' ? all.length : null;
  return { [name]: all.slice(offset, offset + limit), limit, offset, total, more: offset + limit < all.length };
}

const originOf = (c: Context): string => new URL(c.req.url).origin;

function alertAt(c: Context, alerts: Alerts): Alert | undefined {
  const number = incidentNumber(c.req.param('id') ?? '');
  return number === undefined ? undefined : alerts.get(number);
}

/**
 * Returns a filter for alerts by the query parameters. An alert is triggered or resolved; only incidents are
 * acknowledged.
 */
function matchesQuery(c: Context): (alert: { status: string; alert_key: string }) => boolean {
  const [statuses, key] = [c.req.queries('statuses[]'), c.req.query('alert_key')];
  return (alert) => (statuses?.includes(alert.status) ?? true) && (key === undefined || key === alert.alert_key);
}

/**
 * Returns the error for an invalid `From` header. The message and codes are from reports of API users; the reference
 * has neither.
 */
function fromHeaderError(from: string | undefined): { message: string; code: number } | undefined {
  if (from === undefined) {
    const message = 'You must specify a user\'s email address in the "From" header to perform this action';
    return { message, code: 2016 };
  }
  return /^[^\s@]+@\S+$/.test(from) ? undefined : { message: 'Malformed "From" header', code: 1028 };
}

function contentOf(body: string): string | undefined {
  try {
    const { note } = JSON.parse(body) as { note?: { content?: unknown } };
    return typeof note?.content === 'string' && note.content.trim() !== '' ? note.content : undefined;
  } catch {
    return undefined;
  }
}
