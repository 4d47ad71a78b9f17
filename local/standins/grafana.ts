import { Hono, type Context, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../schemas/time.ts';
import { annotationTables, openAnnotations, type Annotation, type Annotations } from './grafana-annotations.ts';
import { normalTags, tagsTooLong } from './grafana-tags.ts';
import type { StandIn, StandInDeps } from './stand-in.ts';

/** Annotations as a person sees them on the dashboards: newest first. Times are RFC 3339. */
export type GrafanaView = {
  annotations: {
    id: number;
    from: string;
    /** `null`: a point in time, not a region. */
    until: string | null;
    text: string;
    tags: string[];
    /** `null`: on every dashboard that asks for its tags. */
    dashboard: string | null;
  }[];
};

/** What a list has when the call does not say. @see the annotations page of the HTTP API, `limit` (read 2026-11) */
const DEFAULT_LIMIT = 100;

/**
 * Grafana: the annotations of its HTTP API. Dashboards exist as they are named.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/ (read 2026-11)
 */
export const grafana = {
  vendor: 'grafana',
  tables: annotationTables,
  credentialKeys: [],
  /** Grafana itself has no limit here: this is what stands before a hosted one. */
  throttled: () => Response.json({ message: 'Too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app(deps) {
    return new Hono()
      .get('/api/health', (c) => c.json({ database: 'ok', version: '12.4.0', commit: 'sandbox' }))
      .use('/api/*', authorised)
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

/** Zero and absent are the same to Grafana. */
const Millis = z.int().min(0).optional();
const Change = z.object({
  time: Millis,
  timeEnd: Millis,
  text: z.string().optional(),
  tags: z.array(z.string()).nullish(),
});
const New = Change.extend({ dashboardUID: z.string().nullish(), panelId: z.int().nullish() });

function annotationRoutes(deps: StandInDeps, annotations: Annotations): Hono {
  const { now } = deps;
  return new Hono()
    .get('/', (c) => c.json(annotations.find(filterOf(c)).map(json)))
    .post('/', async (c) => {
      const asked = New.safeParse(await bodyOf(c));
      if (!asked.success) return badRequest(c);
      const { text, panelId, dashboardUID } = asked.data;
      if (!text) return c.json({ message: 'Failed to save annotation' }, 400);
      const tags = normalTags(asked.data.tags ?? []);
      if (tagsTooLong(tags)) return tooLong(c);
      const between = rangeOf(asked.data.time || now(), asked.data.timeEnd ?? 0);
      const placed = { dashboard_uid: dashboardUID || null, panel_id: panelId ?? 0 };
      const id = annotations.add({ ...between, ...placed, text, tags }, now());
      return c.json({ message: 'Annotation added', id });
    })
    .get('/:id', (c) => {
      const annotation = annotationAt(c, annotations);
      return annotation ? c.json(json(annotation)) : notFound(c);
    })
    .put('/:id', (c) => change(c, 'updated'))
    .patch('/:id', (c) => change(c, 'patched'))
    .delete('/:id', (c) => {
      const annotation = annotationAt(c, annotations);
      if (!annotation) return notFound(c);
      annotations.remove(annotation.id);
      return c.json({ message: 'Annotation deleted' });
    });

  /** PUT says what text and tags are, PATCH what changes. A time that is not given stays with both. */
  async function change(c: Context, how: 'updated' | 'patched'): Promise<Response> {
    const before = annotationAt(c, annotations);
    if (!before) return notFound(c);
    const asked = Change.safeParse(await bodyOf(c));
    if (!asked.success) return badRequest(c);
    const { time, timeEnd, text, tags } = asked.data;
    const kept = how === 'patched' ? before : { text: '', tags: [] };
    const after = {
      id: before.id,
      ...rangeOf(time || before.time, timeEnd || before.time_end),
      text: text || kept.text,
      tags: tags ? normalTags(tags) : kept.tags,
    };
    if (tagsTooLong(after.tags)) return tooLong(c);
    annotations.change(after, now());
    return c.json({ message: `Annotation ${how}` });
  }
}

/** An end before the beginning is taken as meant the other way round. @param end 0: a point in time */
function rangeOf(start: number, end: number): Pick<Annotation, 'time' | 'time_end'> {
  if (end === 0) return { time: start, time_end: start };
  return { time: Math.min(start, end), time_end: Math.max(start, end) };
}

function filterOf(c: Context) {
  const { from, to, limit, matchAny, type, dashboardUID } = c.req.query();
  const isAboutAlerts = type === 'alert'; // Grafana's own marks of alerts: there are none here
  return {
    from: Number(from) || 0,
    to: Number(to) || 0,
    tags: c.req.queries('tags') ?? [],
    matchAny: matchAny === 'true',
    dashboardUid: dashboardUID || undefined,
    limit: isAboutAlerts ? 0 : Number(limit) || DEFAULT_LIMIT,
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

const json = (annotation: Annotation): object => ({
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

/** Every well-formed token is good: there is nothing here to protect, only a header that may be missing. */
const authorised: MiddlewareHandler = async (c, next) => {
  if (/^Bearer \S+$/.test(c.req.header('authorization') ?? '')) return next();
  return c.json({ message: 'Invalid API key', messageId: 'api-key.invalid', statusCode: 401, traceID: '' }, 401);
};

const badRequest = (c: Context): Response => c.json({ message: 'bad request data' }, 400);
const notFound = (c: Context): Response => c.json({ message: 'Annotation not found' }, 404);
const tooLong = (c: Context): Response =>
  c.json(
    {
      message: 'Tags length exceeds the maximum allowed.',
      messageId: 'annotations.tag-limit-exceeded',
      statusCode: 400,
      traceID: '',
    },
    400,
  );
