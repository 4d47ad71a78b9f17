import { createHash, randomUUID, randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { alertTables, openAlerts, type Alerts } from './alerts.ts';
import { readAlertEvent, readChangeEvent } from './event.ts';
import { incidentRoutes } from './incidents.ts';
import { openNotes } from './notes.ts';
import { onCallRoutes } from './on-call.ts';
import { pagerdutyUserActions } from './people.ts';
import { shownIncidents } from './view.ts';
import { documentTables } from '../core/exchanges.ts';
import { rateLimit, rateLimitTables } from '../core/rate-limit.ts';
import { SANDBOX_TOKEN, SANDBOX_USER, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/**
 * Maximum events of all kinds with one routing key.
 *
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview, "Events API Rate Limits" (read 2026-11)
 */
const EVENTS_LIMIT = { max: 120, windowMs: 60_000 };

/** PagerDuty: its Events API v2, and the part of its REST API that finds and annotates incidents, on one address. */
export const pagerduty = {
  vendor: 'pagerduty',
  tables: alertTables + documentTables + rateLimitTables,
  credentialKeys: ['routing_key'],
  settings: (url) => ({
    PAGERDUTY_EVENTS_URL: url,
    PAGERDUTY_ROUTING_KEY: 'sandbox0000000000000000000000000', // a routing key has 32 characters
    PAGERDUTY_API_URL: url,
    PAGERDUTY_API_TOKEN: SANDBOX_TOKEN,
    PAGERDUTY_FROM: SANDBOX_USER,
    PAGERDUTY_WEBHOOK_SECRET: randomBytes(16).toString('hex'), // new for each start, like Slack's
  }),
  throttled,
  app(deps) {
    const alerts = openAlerts(deps.db);
    return new Hono()
      .route('/v2', eventRoutes(deps, alerts))
      .route('/incidents', incidentRoutes(alerts, openNotes(deps.db), deps))
      .route('/', onCallRoutes(deps));
  },
  userActions: pagerdutyUserActions,
  view: ({ db }) => ({ incidents: shownIncidents(openAlerts(db), openNotes(db)) }),
} as const satisfies StandIn;

/** Routes of the Events API. Events are accepted, not processed: the caller gets only a 202. */
function eventRoutes(deps: StandInDeps, alerts: Alerts): Hono {
  const admit = rateLimit(deps, EVENTS_LIMIT);

  return new Hono()
    .post('/enqueue', async (c) => {
      const read = readAlertEvent(await c.req.text());
      if ('errors' in read) return refused(c, read.errors);
      const integration = integrationOf(read.event.routingKey);
      if (!admit(integration)) return throttled();
      const dedupKey = read.event.dedupKey ?? randomUUID().replaceAll('-', '');
      alerts.apply(integration, { ...read.event, dedupKey }, deps.now());
      return c.json({ status: 'success', message: 'Event processed', dedup_key: dedupKey }, 202);
    })
    .post('/change/enqueue', async (c) => {
      const read = readChangeEvent(await c.req.text());
      if ('errors' in read) return refused(c, read.errors);
      if (!admit(integrationOf(read.event.routingKey))) return throttled();
      return c.json({ status: 'success', message: 'Change event processed' }, 202);
    });
}

const refused = (c: Context, errors: readonly string[]): Response =>
  c.json({ status: 'invalid event', message: 'Event object is invalid', errors }, 400);

/** Responds without `Retry-After`, since PagerDuty does not document this header. */
function throttled(): Response {
  const message = 'Requests for this service are arriving too quickly.  Please retry later.';
  return Response.json({ status: 'throttle exceeded', message }, { status: 429 });
}

/** Returns the hash of a routing key. Routing keys are credentials, so only their hashes are stored. */
const integrationOf = (routingKey: string): string =>
  `pagerduty:${createHash('sha256').update(routingKey).digest('hex')}`;
