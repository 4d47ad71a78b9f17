import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Context } from 'hono';
import { startsAhead } from '../../../core/domain/alerts/signal.ts';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { Count } from '../../../core/domain/incidents/metrics.ts';
import { QuarantineFull } from '../../../core/domain/alerts/quarantine.ts';
import { INCIDENT_EVENTS } from '../../../core/domain/incidents/incident-events.ts';
import type { ApiDeps } from '../deps.ts';
import type { Action } from '../../../schemas/access/access.ts';
import { type AlertSource, sources } from '../../../schemas/alerts/sources/index.ts';
import type { Fault } from '../../../schemas/alerts/sources/parsed.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { mayRequestByLabel, senderOf, signedBy } from '../middleware/authentication.ts';
import { Unrecognized } from '../../../core/actions/alerts/unrecognized.ts';
import { knownSeverity } from '../../../schemas/alerts/severities.ts';
import { readBody, readUnverifiedBody } from '../middleware/body.ts';
import type { Env } from '../context.ts';
import { type Api, allowFor, answers, createRoute, endpoint, problems } from '../endpoint.ts';
import { detailOf, problem } from '../problem.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { enqueue, type Sender } from '../../../core/actions/alerts/enqueue.ts';
import { FairTurns, type InTurns } from '../../../core/stores/fair-turns.ts';
import { OVER_LIMIT, SenderLimit } from './sender-limit.ts';
import { noteInhibitorsWithin } from '../../../core/actions/alerts/muted-by.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { alertsIn, readPayloadIn } from '../../../core/actions/alerts/read-payload.ts';

const Receipt = z
  .object({
    receipt: z.string(),
    accepted: z.number().meta({ description: 'Alerts that are stored durably' }),
    quarantined: z.number().meta({ description: 'Alerts that could not be parsed, kept in quarantine' }),
    truncated: z.number().meta({ description: 'Alerts that the sender left out (truncatedAlerts)' }),
    dropped: z.number().optional().meta({
      description: 'Alerts that could not be parsed and were not kept, because the quarantine is full for today',
    }),
  })
  .meta({ id: 'Receipt' });

const BODY_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Registers the alert receivers. A receiver authenticates, parses, enqueues, and responds. It calls no vendor while the
 * sender waits.
 */
export function alertRoutes(app: Api, deps: ApiDeps): void {
  const shared = {
    unrecognized: new Unrecognized(deps.counters),
    limit: new SenderLimit(deps),
    turns: new FairTurns(),
  };
  for (const source of sources.values()) {
    for (const method of source.acceptsPut === true ? (['post', 'put'] as const) : (['post'] as const)) {
      endpoint(
        app,
        deps,
        'receiver',
        receiverRoute(method, `/v1/alerts/${source.name}`, `Webhook receiver for ${source.name}`),
        (c) =>
          receive(c, deps, source, {
            action: 'alerts:write',
            path: `/v1/alerts/${source.name}`,
            asRollbackRequest: false,
            ...shared,
          }),
      );
    }
  }
  const alertmanager = sources.get('alertmanager');
  if (alertmanager === undefined) throw new Error('the list of alert sources has no alertmanager');
  endpoint(
    app,
    deps,
    'receiver',
    receiverRoute('post', ROLLBACK_PATH, 'Accepts the Alertmanager payload; each firing alert requests a rollback'),
    (c) =>
      receive(c, deps, alertmanager, {
        action: 'rollback:request',
        path: ROLLBACK_PATH,
        asRollbackRequest: true,
        ...shared,
      }),
  );
}

const ROLLBACK_PATH = '/api/v1/rollback';

/** Returns whether a path is that of a receiver of alerts. */
export const receivesAlerts = (path: string): boolean => path.startsWith('/v1/alerts/') || path === ROLLBACK_PATH;

/**
 * Records that alerts were refused because of a failure of Firebreak: their senders repeat them later. A sender above its
 * limit is no failure.
 */
export function noteRefusedAlerts(app: Api, { intake }: Pick<ApiDeps, 'intake'>): void {
  app.on(['POST', 'PUT'], ['/v1/alerts/*', ROLLBACK_PATH], async (c, next) => {
    await next();
    if (c.res.status >= 500 && c.get('refusedAs') !== OVER_LIMIT) await intake.refused();
  });
}

type Receiver = {
  action: Action;
  path: string;
  asRollbackRequest: boolean;
  unrecognized: Unrecognized;
  limit: SenderLimit;
  turns: FairTurns;
};

const receiverRoute = (method: 'post' | 'put', path: string, summary: string) =>
  createRoute({
    method,
    path,
    summary,
    tags: ['alerts'],
    responses: {
      202: answers('Accepted and stored durably', Receipt),
      400: problems('Not JSON; kept in quarantine'),
      413: problems('Larger than 4 MiB, or more than 5,000 alerts'),
      415: problems('Content type is not application/json; kept in quarantine'),
      422: problems('Unknown payload version or format; kept in quarantine'),
      503: problems('Could not be stored durably, or above the limit of the sender; send it again'),
    },
  });

async function receive(c: Context<Env>, deps: ApiDeps, source: AlertSource, receiver: Receiver): Promise<never> {
  const sender = await authenticate(c, deps, source, receiver);
  // By source, too: several systems can have the same token.
  const limited = `${sender.name} (${source.name})`;
  receiver.limit.check(limited);
  const body = await readBody(c, BODY_MAX_BYTES); // raw bytes, because the quarantine stores them unchanged
  receiver.limit.count(limited, body.byteLength);
  try {
    return await storeAlerts(c, deps, source, receiver, body, sender);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    // Always 503: Alertmanager then retries at once, and Grafana at its next interval.
    c.var.log.error('alerts could not be stored durably', { source: source.name, error: String(error) });
    const detail = detailOf(error, 'the alerts could not be stored durably; send them again');
    return problem(c, 503, 'not-durable', detail, { 'retry-after': '5' }) as never;
  }
}

/**
 * Authenticates the sender by token or by signature. Only a signature requires reading the body before the sender is
 * known.
 *
 * @throws Refusal 401 without a valid credential, 403 if the token does not allow this receiver
 */
async function authenticate(
  c: Context<Env>,
  deps: ApiDeps,
  source: AlertSource,
  { action }: Receiver,
): Promise<Sender> {
  const authorization = c.req.header('authorization');
  const principal = await c.var.principalOf(authorization);
  if (principal !== undefined) {
    const allow = allowFor(deps, principal, action);
    allow({ source: source.name });
    const now = deps.clock.now();
    const mayRequestRollback = (scope: Scope) => mayRequestByLabel(principal, scope, now);
    return { name: senderOf(principal), allow, mayRequestRollback };
  }
  if (
    authorization === undefined &&
    source.signature !== undefined &&
    (await signedBy(deps, source.signature, c.req.raw.headers, () => readUnverifiedBody(c, BODY_MAX_BYTES)))
  ) {
    // The operator gave this sender the secret, as they give Alertmanager the ingest token. Both have the same rights.
    return { name: `${source.name}:signature`, allow: () => undefined, mayRequestRollback: () => true };
  }
  throw new Refusal(
    401,
    'unauthorized',
    'the credential is missing or unknown, or the signature is invalid or its timestamp is too far off',
  );
}

/**
 * Stores the alerts of a body durably: in the queue, or in quarantine if they cannot be parsed.
 *
 * @throws Refusal if the whole body cannot be parsed
 */
async function storeAlerts(
  c: Context<Env>,
  deps: ApiDeps,
  source: AlertSource,
  { path, asRollbackRequest, unrecognized, turns }: Receiver,
  body: Uint8Array,
  sender: Sender,
): Promise<never> {
  const contentType = c.req.header('content-type') ?? '';
  // Returns the ID in quarantine. Null: the quarantine's quota is used up. The response stays the same, because a retry of an unreadable body is
  // useless.
  const quarantine = (bytes: Uint8Array, status: number, detail: string): Promise<string | null> =>
    deps.quarantine
      .keep({
        source: source.name,
        sender: `${source.name}:${sender.name}`,
        receiver: path,
        body: bytes,
        contentType,
        status,
        detail,
      })
      .catch(nullIfFull);
  const inTurns: InTurns = (items, work) => turns.map(sender.name, items, work);
  const result = await readPayloadIn(inTurns, source, contentType, body, millisOf(deps.clock.now()));
  if (!result.ok) {
    const { status, code, detail } = encodingFault(result.fault, c.req.header('content-encoding')) ?? result.fault;
    const id = await quarantine(body, status, detail);
    await deps.counters.add([
      ...countsOf(source.name, { received: 1, quarantined: id === null ? 0 : 1 }),
      ...droppedCounts(source.name, id === null ? 1 : 0),
    ]);
    c.var.log.warn('an alert payload could not be parsed', { source: source.name, code, quarantine: id });
    throw new Refusal(status, code, `${detail} (${id === null ? NOT_STORED : `kept in quarantine as ${id}`})`);
  }
  const { alerts, unreadable, truncated } = result.parsed;
  const receipt = { id: randomUUID(), at: deps.clock.now(), trace: c.var.trace, urgent: asRollbackRequest };
  const stored = await Promise.all(
    unreadable.map(async (alert) => ({ alert, id: await quarantine(Buffer.from(alert.body), ACCEPTED, alert.detail) })),
  );
  const quarantined = alertsIn(stored.flatMap(({ alert, id }) => (id === null ? [] : alert)));
  const dropped = alertsIn(unreadable) - quarantined;
  const before = (all: readonly Signal[]) => noteInhibitorsWithin(deps, all);
  const signals = await enqueue(deps, receipt, alerts, { asRollbackRequest, sender, before, inTurns });
  const accepted = signals.length;
  await deps.counters.add([
    ...countsOf(source.name, { received: accepted + quarantined + dropped, accepted, quarantined }),
    ...droppedCounts(source.name, stored.filter(({ id }) => id === null).length),
  ]);
  const { severities } = (await deps.config.current()).routes;
  const unknown = alerts.flatMap(({ labels }) => {
    const severity = labels.get('severity') ?? '';
    return severity === '' || knownSeverity(severity, severities) !== undefined ? [] : [severity];
  });
  await unrecognized.count('firebreak_alerts_severity_unknown_total', sender.name, unknown);
  c.var.log.info(INCIDENT_EVENTS['alerts.received'], {
    event: 'alerts.received',
    source: source.name,
    receipt: receipt.id,
    accepted: signals.length,
    quarantined,
    truncated,
  });
  if (dropped > 0)
    c.var.log.warn('alerts were dropped: they could not be parsed, and the quarantine is full', {
      source: source.name,
      dropped,
    });
  const ahead = alerts.filter((alert) => startsAhead(alert, receipt.at)).length;
  if (ahead > 0)
    c.var.log.warn('alerts start in the future; their start times are ignored', { source: source.name, alerts: ahead });
  const answer = { receipt: receipt.id, accepted: signals.length, quarantined, truncated };
  return c.json(dropped === 0 ? answer : { ...answer, dropped }, ACCEPTED) as never;
}

/** The other alerts of the body are stored, so its sender must not repeat it. */
const ACCEPTED = 202;

const NOT_STORED = 'not kept, because the quarantine is full for today';

function nullIfFull(error: unknown): null {
  if (error instanceof QuarantineFull) return null;
  throw error;
}

const droppedCounts = (source: string, bodies: number): Count[] =>
  bodies === 0 ? [] : [{ name: 'firebreak_quarantine_refused_total', labels: [source], by: bodies }];

const countsOf = (source: string, counts: Partial<Record<'received' | 'accepted' | 'quarantined', number>>): Count[] =>
  Object.entries(counts).map(([what, by]) => ({
    name: `firebreak_alerts_${what as keyof typeof counts}_total`,
    labels: [source],
    by,
  }));

/**
 * Returns why an encoded body cannot be read. A proxy may have decoded the body and left the header, so the header counts only if the
 * body is not JSON.
 */
function encodingFault({ code }: Fault, encoding = 'identity') {
  if (code !== 'not-json' || encoding === 'identity' || encoding === 'gzip') return undefined;
  const detail = `Content-Encoding is ${encoding.slice(0, 64)}; send the body uncompressed`;
  return { status: 415, code: 'unsupported-encoding', detail } as const;
}
