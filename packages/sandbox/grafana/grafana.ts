import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../../schemas/time/time.ts';
import { annotationTables, openAnnotations, type Annotation, type Annotations } from './annotations.ts';
import { normalTags, tagsTooLong } from './tags.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/** Annotations as the page shows them, newest first. Times are RFC 3339. */
export type GrafanaView = {
  annotations: {
    id: number;
    from: string;
    /** `null` for a point in time. */
    until: string | null;
    text: string;
    tags: string[];
    /** `null` for an annotation that is shown on every dashboard with a query for its tags. */
    dashboard: string | null;
  }[];
};

/**
 * Items in a list if the request does not set a limit.
 *
 * @see the annotations page of the HTTP API, `limit` (read 2026-11)
 */
const DEFAULT_LIMIT = 100;

/**
 * Grafana: the annotations of its HTTP API. All dashboards exist.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/ (read 2026-11)
 */
export const grafana = {
  vendor: 'grafana',
  tables: annotationTables,
  credentialKeys: [],
  settings: (url) => ({ GRAFANA_URL: url, GRAFANA_TOKEN: SANDBOX_TOKEN }),
  /** Responds as a proxy of a hosted Grafana does. Grafana itself has no rate limit for annotations. */
  throttled: () => Response.json({ message: 'Too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    return new Hono()
      .get('/api/health', (c) => c.json({ database: 'ok', version: '12.4.0', commit: 'sandbox' }))
      .use('/api/*', requireToken)
      .route('/api/annotations', annotationRoutes(deps, openAnnotations(deps.db)))
      .notFound((c) => c.json({ message: 'Not found' }, 404));
  },
  view({ db }): GrafanaView {
    const everything = { from: 0, to: 0, tags: [], matchAny: false, dashboardUid: undefined, limit: DEFAULT_LIMIT };
    const annotations = openAnnotations(db).find(everything);
    return {
      annotations: annotations.map(({ id, time, time_end: end, text, tags, dashboard_uid: dashboard }) => ({
        id,
        from: timestamp(time),
        until: end === time ? null : timestamp(end),
        text,
        tags,
        dashboard,
      })),
    };
  },
} as const satisfies StandIn;

/** Milliseconds. Grafana treats zero as absent. */
const Millis = z.int().min(0).optional();
const Change = z.object({
  time: Millis,
  timeEnd: Millis,
  text: z.string().optional(),
  tags: z.array(z.string()).nullish(),
});
const NewAnnotation = Change.extend({ dashboardUID: z.string().nullish(), panelId: z.int().nullish() });

function annotationRoutes(deps: StandInDeps, annotations: Annotations): Hono {
  const { now } = deps;
  return new Hono()
    .get('/', (c) => c.json(annotations.find(filterOf(c)).map(annotationJson)))
    .post('/', async (c) => {
      const requested = NewAnnotation.safeParse(await bodyOf(c));
      if (!requested.success) return badRequest(c);
      const { text, panelId, dashboardUID } = requested.data;
      if (!text) return c.json({ message: 'Failed to save annotation' }, 400);
      const tags = normalTags(requested.data.tags ?? []);
      if (tagsTooLong(tags)) return tagsTooLongResponse(c);
      const range = rangeOf(requested.data.time || now(), requested.data.timeEnd ?? 0);
      const place = { dashboard_uid: dashboardUID || null, panel_id: panelId ?? 0 };
      const id = annotations.add({ ...range, ...place, text, tags }, now());
      return c.json({ message: 'Annotation added', id });
    })
    .get('/:id', (c) => {
      const annotation = annotationAt(c, annotations);
      return annotation ? c.json(annotationJson(annotation)) : notFound(c);
    })
    .put('/:id', (c) => change(c, 'updated'))
    .patch('/:id', (c) => change(c, 'patched'))
    .delete('/:id', (c) => {
      const annotation = annotationAt(c, annotations);
      if (!annotation) return notFound(c);
      annotations.remove(annotation.id);
      return c.json({ message: 'Annotation deleted' });
    });

  /**
   * Changes an annotation. PUT replaces text and tags; PATCH changes the given fields. Without a time, both keep the
   * time.
   */
  async function change(c: Context, how: 'updated' | 'patched'): Promise<Response> {
    const before = annotationAt(c, annotations);
    if (!before) return notFound(c);
    const requested = Change.safeParse(await bodyOf(c));
    if (!requested.success) return badRequest(c);
    const { time, timeEnd, text, tags } = requested.data;
    const base = how === 'patched' ? before : { text: '', tags: [] };
    const after = {
      id: before.id,
      ...rangeOf(time || before.time, timeEnd || before.time_end),
      text: text || base.text,
      tags: tags ? normalTags(tags) : base.tags,
    };
    if (tagsTooLong(after.tags)) return tagsTooLongResponse(c);
    annotations.change(after, now());
    return c.json({ message: `Annotation ${how}` });
  }
}

/** Returns the time range. Swaps start and end if the end is before the start. @param end 0 for a point in time */
function rangeOf(start: number, end: number): Pick<Annotation, 'time' | 'time_end'> {
  if (end === 0) return { time: start, time_end: start };
  return { time: Math.min(start, end), time_end: Math.max(start, end) };
}

function filterOf(c: Context) {
  const { from, to, limit, matchAny, type, dashboardUID } = c.req.query();
  const searchesAlerts = type === 'alert'; // Grafana's own annotations for alerts; the stand-in has none
  return {
    from: Number(from) || 0,
    to: Number(to) || 0,
    tags: c.req.queries('tags') ?? [],
    matchAny: matchAny === 'true',
    dashboardUid: dashboardUID || undefined,
    limit: searchesAlerts ? 0 : Number(limit) || DEFAULT_LIMIT,
  };
}

async function bodyOf(c: Context): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch {
    return undefined;
  }
}

const annotationAt = (c: Context, annotations: Annotations): Annotation | undefined =>
  /^\d{1,15}$/.test(c.req.param('id') ?? '') ? annotations.get(Number(c.req.param('id'))) : undefined;

const annotationJson = (annotation: Annotation): object => ({
  id: annotation.id,
  alertId: 0,
  dashboardId: annotation.dashboard_uid === null ? 0 : 1,
  dashboardUID: annotation.dashboard_uid,
  panelId: annotation.panel_id,
  userId: 1,
  userName: 'firebreak',
  newState: '',
  prevState: '',
  created: annotation.created,
  updated: annotation.updated,
  time: annotation.time,
  timeEnd: annotation.time_end,
  text: annotation.text,
  tags: annotation.tags,
  data: {},
});

/** Accepts every well-formed token. The stand-in protects nothing; it detects a missing header. */
const requireToken: MiddlewareHandler = async (c, next) => {
  if (/^Bearer \S+$/.test(c.req.header('authorization') ?? '')) return next();
  return c.json({ message: 'Invalid API key', messageId: 'api-key.invalid', statusCode: 401, traceID: '' }, 401);
};

const badRequest = (c: Context): Response => c.json({ message: 'bad request data' }, 400);
const notFound = (c: Context): Response => c.json({ message: 'Annotation not found' }, 404);
const tagsTooLongResponse = (c: Context): Response =>
  c.json(
    {
      message: 'Tags length exceeds the maximum allowed.',
      messageId: 'annotations.tag-limit-exceeded',
      statusCode: 400,
      traceID: '',
    },
    400,
  );
