import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../../schemas/time/time.ts';
import { CdSettings, LiveVersion, openRollbacks, statusAt } from './rollbacks.ts';
import { openRoutes, routeApi, RouteState } from './route.ts';
import { openTraffic, type Traffic, trafficApi } from './traffic.ts';
import type { NewRollback, Rollback, Rollbacks } from './rollbacks.ts';
import { documentTables, exchanges } from '../core/exchanges.ts';
import type { StandIn, StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/**
 * A delivery system with the API of a `kind: http` deployer: `POST …/rollback`, which returns the first response again
 * for the same key, and `GET` of its `status_url`. If `/sandbox/cd/live` was set, it compares the running version with
 * `from_version` before it acts. Otherwise it trusts the caller, since deploys do not go through it.
 */
export const cd = {
  vendor: 'cd',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ CD_URL: `${url}/api/v1/rollback`, TRAFFIC_URL: `${url}/api/v1/traffic` }),
  throttled: () => Response.json({ error: 'too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    const rollbacks = openRollbacks(deps.db);
    const traffic = trafficApi(deps);
    const route = routeApi(deps);
    return (
      new Hono()
        .use(settleFirst(deps, rollbacks))
        // Not as routes: beside them, Hono's router does not find the pattern of rollbacks.
        .use(async (c, next) => {
          const isTraffic = c.req.path.endsWith('/traffic');
          if (isTraffic && c.req.method === 'GET') return traffic.read(c);
          if (isTraffic && c.req.method === 'PUT') return traffic.change(c);
          const isRoute = c.req.path.endsWith('/route');
          if (isRoute && c.req.method === 'GET') return route.read(c);
          return isRoute && c.req.method === 'PUT' ? route.change(c) : next();
        })
        .post('/:at{(?:.+/)?rollback}', async (c) => {
          const read = readRequest(await c.req.text(), c.req.header('idempotency-key'));
          return 'error' in read ? c.json(read, 422) : rollBack(c, read, rollbacks, deps);
        })
        .get('/:at{(?:.+/)?rollback}/:id{rb_[0-9]+}', (c) => {
          const rollback = rollbacks.byId(Number(c.req.param('id').slice('rb_'.length)));
          return rollback ? c.json(answer(rollback, c.req.path, deps)) : c.json({ error: 'unknown rollback' }, 404);
        })
    );
  },
  sandbox(deps) {
    const rollbacks = openRollbacks(deps.db);
    const [traffic, routes] = [openTraffic(deps.db), openRoutes(deps.db)];
    const list = (items: object[]) => ({ items, next_cursor: null });
    return new Hono().use(settleFirst(deps, rollbacks)).route(
      '/',
      exchanges({
        'GET /live': () => list(rollbacks.allLive()),
        'PUT /live'({ given }) {
          rollbacks.recordLive(given(LiveVersion));
          return list(rollbacks.allLive());
        },
        'GET /traffic': () => list(traffic.all()),
        'PUT /traffic'({ given }) {
          const set = given(SetTraffic);
          traffic.set(set, set);
          return list(traffic.all());
        },
        'GET /routes': () => list(routes.all()),
        'PUT /routes'({ given }) {
          routes.set(given(RouteState));
          return list(routes.all());
        },
        'GET /settings': () => rollbacks.settings(),
        'PUT /settings': ({ given }) => rollbacks.setSettings(given(CdSettings), deps.now()),
      }),
    );
  },
  view: (deps) => pageView(openRollbacks(deps.db), openTraffic(deps.db).all(), deps.now()),
} as const satisfies StandIn;

/** The traffic as another system changes it. */
const SetTraffic = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  stable_version: z.string().min(1),
  version: z.string().min(1).nullable().default(null),
  weight: z.number().min(0).max(100).default(0),
});

/** Makes the versions of completed rollbacks live before each request is handled. */
const settleFirst =
  (deps: StandInDeps, rollbacks: Rollbacks): MiddlewareHandler =>
  async (_, next) => {
    const traffic = openTraffic(deps.db);
    for (const rollback of rollbacks.settle(deps.now()))
      if (traffic.split(rollback.service, rollback.environment) !== undefined)
        traffic.set(rollback, { stable_version: rollback.to_version, version: null, weight: 0 });
    await next();
  };

/** A rollback request. Versions may be absent; `judge` decides whether to refuse it. */
const RollbackRequest = z.object({
  service: z.string().min(1),
  environment: z.string().min(1),
  from_version: z.string().nullish(),
  to_version: z.string().nullish(),
  idempotency_key: z.string().min(1),
});
type RollbackRequest = z.infer<typeof RollbackRequest>;

function readRequest(text: string, key: string | undefined): RollbackRequest | { error: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { error: 'the body is not valid JSON' };
  }
  const read = RollbackRequest.safeParse(json);
  if (!read.success) return { error: inputProblemText(read.error) };
  if (key !== read.data.idempotency_key) {
    return { error: 'header Idempotency-Key does not match idempotency_key in the body' };
  }
  return read.data;
}

function rollBack(c: Context, request: RollbackRequest, rollbacks: Rollbacks, deps: StandInDeps): Response {
  const earlier = rollbacks.byKey(request.idempotency_key);
  if (earlier && !isSame(earlier, request))
    return c.json({ error: 'the key was already used for a different rollback' }, 422);
  if (earlier) return c.json(answer(earlier, statusPath(c, earlier), deps), 200);

  const admission = admit(request, rollbacks, deps.now());
  if ('refusal' in admission) return c.json(admission.refusal, admission.status);

  const rollback = start(admission.accepted, rollbacks, deps);
  const now = answer(rollback, statusPath(c, rollback), deps);
  return c.json(now, now.status === 'in_progress' ? 202 : 200);
}

const isSame = (earlier: Rollback, request: RollbackRequest): boolean =>
  earlier.service === request.service &&
  earlier.environment === request.environment &&
  earlier.to_version === request.to_version;

type Admission =
  | { accepted: NewRollback }
  | { status: 404 | 409 | 422; refusal: { error: string; id?: string; current_version?: string } };

/** Accepts or refuses a rollback. A refusal is not stored under its key, so the same request can succeed later. */
function admit(request: RollbackRequest, rollbacks: Rollbacks, now: number): Admission {
  const { service, environment, from_version: from, to_version: to, idempotency_key: key } = request;
  const { services } = rollbacks.settings();
  if (services && !services.includes(service)) return { status: 404, refusal: { error: 'unknown service' } };
  if (!to) return { status: 422, refusal: { error: 'no previous version' } };

  const running = rollbacks.running(service, environment, now);
  if (running) return { status: 409, refusal: { error: 'rollback already in progress', id: idOf(running) } };

  const live = rollbacks.liveVersion(service, environment);
  const hasOtherVersion = from && live !== undefined && live !== from;
  if (hasOtherVersion) return { status: 409, refusal: { error: 'version changed', current_version: live } };
  return { accepted: { key, service, environment, from_version: from ?? null, to_version: to } };
}

function start(accepted: NewRollback, rollbacks: Rollbacks, { now, timeScale }: StandInDeps): Rollback {
  const { rollback_ms, outcome } = rollbacks.settings();
  const { service, environment, from_version: version } = accepted;
  // The caller's version was not refuted, so it counts as the running one until the rollback ends.
  if (version !== null) rollbacks.setLive({ service, environment, version });

  const at = now();
  return rollbacks.start(accepted, { started_at: at, ends_at: at + Math.round(rollback_ms / timeScale), outcome });
}

/** Maximum number of rollbacks on the page. */
const SHOWN_ROLLBACKS = 50;

/**
 * Returns rollbacks, newest first, and the known running versions. Reading does not change the stored state, so
 * rollbacks that are due are included.
 */
function pageView(rollbacks: Rollbacks, traffic: ReturnType<Traffic['all']>, now: number) {
  const live = new Map(rollbacks.allLive().map((one) => [serviceEnvironmentKey(one), one]));
  for (const { service, environment, to_version: version, outcome } of rollbacks.due(now)) {
    if (outcome === 'succeeded')
      live.set(serviceEnvironmentKey({ service, environment }), { service, environment, version });
  }
  return {
    rollbacks: rollbacks.newest(SHOWN_ROLLBACKS).map((rollback) => ({
      id: idOf(rollback),
      service: rollback.service,
      environment: rollback.environment,
      from_version: rollback.from_version,
      to_version: rollback.to_version,
      status: statusAt(rollback, now),
      started_at: timestamp(rollback.started_at),
      ended_at: now < rollback.ends_at ? null : timestamp(rollback.ends_at),
    })),
    live: [...live.values()],
    traffic,
  };
}

const serviceEnvironmentKey = ({ service, environment }: { service: string; environment: string }): string =>
  JSON.stringify([service, environment]);

const idOf = ({ id }: Rollback): string => `rb_${String(id).padStart(2, '0')}`;

const statusPath = (c: Context, rollback: Rollback): string => `${c.req.path}/${idOf(rollback)}`;

const answer = (rollback: Rollback, statusUrl: string, { now }: StandInDeps) => ({
  id: idOf(rollback),
  status: statusAt(rollback, now()),
  status_url: statusUrl,
});
