import { createHash } from 'node:crypto';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { documentTables, exchanges } from '../core/exchanges.ts';
import { positiveInteger } from '../core/positive-integer.ts';
import { rateLimit, rateLimitTables } from '../core/rate-limit.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';
import { type Fields, isFields, readBody } from './body.ts';
import { openSubscribers, subscriberJson, GivenSubscriber, readSubscriberQuery } from './subscribers.ts';
import { openComponents, type Components } from './components.ts';
import { openIncidents, type Incidents } from './incidents.ts';
import { componentJson, incidentJson } from './json.ts';
import { readComponent, readIncident, type IncidentChange, type IncidentStatus, type Reading } from './request.ts';
import { pageView } from './view.ts';

/** ID of the only page, as in the vendor's examples. */
export const SANDBOX_PAGE_ID = 'kctbh9vrtdwd';

/**
 * Maximum calls with one token: one per second, measured over a minute.
 *
 * @see https://developer.statuspage.io/ ("Rate limiting"; read 2026-11)
 */
const TOKEN_LIMIT = { max: 60, windowMs: 60_000 };

/** Items in a list, maximum and default. @see https://developer.statuspage.io/ ("Pagination"; read 2026-11) */
const PAGE_MAX = 100;

/** Statuses of the list of unresolved incidents, which has no maintenances. */
const UNRESOLVED = ['investigating', 'identified', 'monitoring'] as const;

/** Atlassian Statuspage: components, incidents, maintenances, and subscribers of one page, under `/v1`. Notifies no one. */
export const statuspage = {
  vendor: 'statuspage',
  tables: documentTables + rateLimitTables,
  credentialKeys: [],
  settings: (url) => ({ STATUSPAGE_API_URL: `${url}/v1`, STATUSPAGE_API_KEY: SANDBOX_TOKEN }),
  throttled,
  app(deps) {
    const { components, incidents } = openPage(deps);
    return new Hono()
      .use(withJsonContentType, requireToken, limitRate(deps))
      .route(`/v1/pages/${SANDBOX_PAGE_ID}/components`, componentRoutes(deps, components))
      .route(`/v1/pages/${SANDBOX_PAGE_ID}/incidents`, incidentRoutes(deps, components, incidents))
      .get(`/v1/pages/${SANDBOX_PAGE_ID}/subscribers`, (c) => {
        const query = readSubscriberQuery(c.req.query());
        if ('errors' in query) return refusalResponse(c, query);
        return c.json(openSubscribers(deps.db).list(query.value).map(subscriberJson));
      })
      .notFound(notFound);
  },
  sandbox(deps) {
    const { components } = openPage(deps);
    const list = () => ({
      items: components.all().map(({ id, name, status }) => ({ id, name, status })),
      next_cursor: null,
    });
    return exchanges({
      'GET /components': list,
      'PUT /components'({ given }) {
        components.provide([given(z.strictObject({ name: z.string().min(1) })).name], deps.now());
        return list();
      },
      'PUT /groups'({ given }) {
        const Group = z.strictObject({ name: z.string().min(1), components: z.array(z.string().min(1)).min(1) });
        const { name, components: members } = given(Group);
        components.group(name, members, deps.now());
        return list();
      },
      'PUT /subscribers'({ given }) {
        const { subscribers } = given(z.strictObject({ subscribers: z.array(GivenSubscriber).max(5000) }));
        openSubscribers(deps.db).provide(subscribers, deps.now());
        return { subscribers: subscribers.length };
      },
    });
  },
  view(deps) {
    const { components, incidents } = openPage(deps);
    return pageView(components, incidents);
  },
} as const satisfies StandIn;

/** Creates the components that are not on the page yet. Call it within a transaction of the store. */
export const provideComponents = (deps: StandInDeps, names: readonly string[]): void =>
  openComponents(deps.db).provide(names, deps.now());

function openPage({ db }: StandInDeps): { components: Components; incidents: Incidents } {
  const components = openComponents(db);
  return { components, incidents: openIncidents(db, components) };
}

function componentRoutes(deps: StandInDeps, components: Components): Hono {
  return new Hono()
    .get('/', (c) =>
      c.json(paged(c, components.all(), 'per_page').map((component) => componentJson(SANDBOX_PAGE_ID, component))),
    )
    .post('/', async (c) => {
      const read = readComponent(await fieldsOf(c, 'component'), true);
      if ('errors' in read) return refusalResponse(c, read);
      const added = components.add({ ...read.value, name: read.value.name ?? '' }, deps.now());
      return c.json(componentJson(SANDBOX_PAGE_ID, added), 201);
    })
    .get('/:id', (c) => {
      const component = components.get(c.req.param('id'));
      return component ? c.json(componentJson(SANDBOX_PAGE_ID, component)) : notFound(c);
    })
    .on(['PATCH', 'PUT'], '/:id', async (c) => {
      const id = c.req.param('id');
      if (!components.get(id)) return notFound(c);
      const read = readComponent(await fieldsOf(c, 'component'), false);
      if ('errors' in read) return refusalResponse(c, read);
      components.change(id, read.value, deps.now());
      const changed = components.get(id);
      return changed ? c.json(componentJson(SANDBOX_PAGE_ID, changed)) : notFound(c);
    });
}

function incidentRoutes(deps: StandInDeps, components: Components, incidents: Incidents): Hono {
  const json = (incident: ReturnType<Incidents['open']>) => incidentJson(SANDBOX_PAGE_ID, incident, incidents);
  const withStatus = (statuses: readonly IncidentStatus[]) =>
    incidents.all().filter(({ status }) => statuses.includes(status));
  const readChange = async (c: Context, isNew: boolean): Promise<Reading<IncidentChange>> => {
    const read = readIncident(await fieldsOf(c, 'incident'), isNew);
    return 'errors' in read ? read : requireKnownComponents(read.value, components);
  };

  return new Hono()
    .get('/', (c) => {
      const searched = c.req.query('q')?.toLowerCase() ?? '';
      const found = incidents.all().filter(({ name, status, updates }) => {
        const texts = [name, status, ...updates.map(({ body }) => body)];
        return texts.some((text) => text.toLowerCase().includes(searched));
      });
      return c.json(paged(c, found, 'limit').map(json));
    })
    .get('/unresolved', (c) => c.json(paged(c, withStatus(UNRESOLVED), 'per_page').map(json)))
    .get('/scheduled', (c) => c.json(paged(c, withStatus(['scheduled']), 'per_page').map(json)))
    .get('/upcoming', (c) => {
      const ahead = withStatus(['scheduled']).filter(({ schedule }) => (schedule?.for ?? 0) > deps.now());
      return c.json(paged(c, ahead, 'per_page').map(json));
    })
    .get('/active_maintenance', (c) => c.json(paged(c, withStatus(['in_progress', 'verifying']), 'per_page').map(json)))
    .post('/', async (c) => {
      const read = await readChange(c, true);
      if ('errors' in read) return refusalResponse(c, read);
      return c.json(json(incidents.open({ ...read.value, name: read.value.name ?? '' }, deps.now())), 201);
    })
    .get('/:id', (c) => {
      const incident = incidents.get(c.req.param('id'));
      return incident ? c.json(json(incident)) : notFound(c);
    })
    .on(['PATCH', 'PUT'], '/:id', async (c) => {
      const incident = incidents.get(c.req.param('id'));
      if (!incident) return notFound(c);
      const read = await readChange(c, false);
      if ('errors' in read) return refusalResponse(c, read);
      return c.json(json(incidents.update(incident, read.value, deps.now())));
    })
    .delete('/:id', (c) => {
      const incident = incidents.get(c.req.param('id'));
      if (!incident) return notFound(c);
      const last = json(incident);
      incidents.delete(incident);
      return c.json(last);
    });
}

/**
 * Returns the fields of `thing` in a body. An unreadable body counts as empty, and is rejected for its missing fields.
 */
async function fieldsOf(c: Context, thing: 'component' | 'incident'): Promise<Fields> {
  const fields = readBody(await c.req.text(), c.req.header('content-type'))?.[thing];
  return isFields(fields) ? fields : {};
}

/** Returns a page of items. Pages count from 1. An invalid size counts as the maximum. */
function paged<T>(c: Context, items: readonly T[], sizeParameter: 'limit' | 'per_page'): T[] {
  const size = positiveInteger(c.req.query(sizeParameter)) ?? PAGE_MAX;
  const page = positiveInteger(c.req.query('page')) ?? 1;
  const count = Math.min(size, PAGE_MAX);
  return items.slice((page - 1) * count, page * count);
}

/** Adds the vendor's content type for JSON. */
const withJsonContentType: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('content-type', JSON_UTF8['content-type']);
};

/** Accepts every well-formed credential. The stand-in protects nothing; it detects a missing header. */
const requireToken: MiddlewareHandler = async (c, next) => {
  if (tokenOf(c) === undefined) return c.json({ error: 'Could not authenticate' }, 401);
  return next();
};

const tokenOf = (c: Context): string | undefined => /^OAuth (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1];

/** Applies the rate limit of a token. Tokens are credentials, so only their hashes are stored. */
function limitRate(deps: StandInDeps): MiddlewareHandler {
  const admit = rateLimit(deps, TOKEN_LIMIT);
  return async (c, next) => {
    const token = createHash('sha256')
      .update(tokenOf(c) ?? '')
      .digest('hex');
    return admit(`statuspage:${token}`) ? next() : throttled();
  };
}

/**
 * Responds with 420, which has the meaning of 429; the documentation mentions both. It does not mention `Retry-After`.
 */
function throttled(): Response {
  return Response.json({ error: 'Your API key is rate limited' }, { status: 420, headers: JSON_UTF8 });
}

const JSON_UTF8 = { 'content-type': 'application/json; charset=utf-8' };

const refusalResponse = (c: Context, { status, errors }: { status: 400 | 422; errors: string[] }): Response =>
  c.json({ error: errors }, status);

/** Rejects unknown components. The error message is the stand-in's own. */
function requireKnownComponents(change: IncidentChange, components: Components): Reading<IncidentChange> {
  const ids = new Set([...(change.componentIds ?? []), ...Object.keys(change.components)]);
  const unknownIds = [...ids].filter((id) => components.get(id) === undefined);
  if (unknownIds.length === 0) return { value: change };
  return { status: 422, errors: unknownIds.map((id) => `Component ${id} is not on this page`) };
}

const notFound = (c: Context): Response => c.json({ error: 'Not found' }, 404);
