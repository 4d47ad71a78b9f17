import { Hono, type MiddlewareHandler } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../../schemas/time/time.ts';
import { type Call, documents, documentTables, exchanges } from '../core/exchanges.ts';
import { SANDBOX_TOKEN, type StandIn, type StandInDeps } from '../core/stand-in.ts';

/** An annotation as the API returns it. If it ends when it starts, it is a point in time. Times are in milliseconds. */
type Annotation = {
  id: number;
  time: number;
  timeEnd: number;
  text: string;
  tags: string[];
  dashboardUID: string | null;
  panelId: number;
  created: number;
  updated: number;
};

/** Annotations, the latest end first. Times are RFC 3339. */
export type GrafanaView = {
  annotations: {
    id: number;
    from: string;
    /** `null` for a point in time. */
    until: string | null;
    text: string;
    tags: string[];
  }[];
};

/** Items in a list if the request does not set a limit. */
const DEFAULT_LIMIT = 100;

/**
 * Maximum bytes of an annotation's tags as a JSON list: the default of `tags_length` in `[annotations]`.
 *
 * @see https://github.com/grafana/grafana, `validateTagsLength` of the annotation store (read 2026-11)
 */
const TAGS_MAX_BYTES = 500;

/**
 * Grafana: the annotations of its HTTP API. All dashboards exist.
 *
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/ (read 2026-11)
 */
export const grafana = {
  vendor: 'grafana',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({ GRAFANA_URL: url, GRAFANA_TOKEN: SANDBOX_TOKEN }),
  /** Responds as a proxy of a hosted Grafana does. Grafana itself has no rate limit for annotations. */
  throttled: () => Response.json({ message: 'Too many requests' }, { status: 429, headers: { 'retry-after': '1' } }),
  app: (deps) =>
    new Hono()
      .get('/api/health', (c) => c.json({ database: 'ok', version: '12.4.0', commit: 'sandbox' }))
      .use('/api/*', requireToken)
      .route('/', annotationExchanges(deps))
      .notFound(() => refused(404, 'Not found')),
  view: ({ db }): GrafanaView => ({
    annotations: latestFirst(annotationsIn(db).all())
      .slice(0, DEFAULT_LIMIT)
      .map(({ id, time, timeEnd, text, tags }) => ({
        id,
        from: timestamp(time),
        until: timeEnd === time ? null : timestamp(timeEnd),
        text,
        tags,
      })),
  }),
} as const satisfies StandIn;

const annotationsIn = (db: StandInDeps['db']) => documents<Annotation>(db, 'grafana annotation');

const latestFirst = (all: readonly Annotation[]): Annotation[] =>
  all.toSorted((a, b) => b.timeEnd - a.timeEnd || b.time - a.time || b.id - a.id);

/** Milliseconds. Grafana treats zero as absent. */
const Millis = z.int().min(0).default(0);
const Given = z.object({
  time: Millis,
  timeEnd: Millis,
  text: z.string().optional(),
  tags: z.array(z.string()).nullish(),
  dashboardUID: z.string().nullish(),
  panelId: z.int().nullish(),
});

function annotationExchanges({ db, now }: StandInDeps): Hono {
  const annotations = annotationsIn(db);
  const withAnnotation = (answer: (annotation: Annotation, call: Call) => Response | object) => (call: Call) => {
    const annotation = annotations.get(call.param('id'));
    return annotation ? answer(annotation, call) : refused(404, 'Annotation not found');
  };
  return exchanges({
    'GET /api/annotations'({ c, query }) {
      const [from, to, tags] = [Number(query['from']), Number(query['to']), normalTags(c.req.queries('tags') ?? [])];
      const found = latestFirst(annotations.all()).filter(
        (one) => (!from || !to || (one.time <= to && one.timeEnd >= from)) && tags.every((tag) => hasTag(one, tag)),
      );
      return found.slice(0, Number(query['limit']) || DEFAULT_LIMIT).map(annotationJson);
    },
    'POST /api/annotations'({ json }) {
      const { data } = Given.safeParse(json);
      if (!data) return refused(400, 'bad request data');
      const { text, time, timeEnd, panelId, dashboardUID } = data;
      if (!text) return refused(400, 'Failed to save annotation');
      const tags = normalTags(data.tags ?? []);
      if (areTooLong(tags)) return tagsTooLong();
      const id = (annotations.all().at(-1)?.id ?? 0) + 1;
      const at = { dashboardUID: dashboardUID || null, panelId: panelId ?? 0, created: now(), updated: now() };
      annotations.put({ id, ...rangeOf(time || now(), timeEnd), text, tags, ...at }, String(id));
      return { message: 'Annotation added', id };
    },
    'GET /api/annotations/:id': withAnnotation(annotationJson),
    // Changes the given fields.
    'PATCH /api/annotations/:id': withAnnotation((before, { json }) => {
      const { data } = Given.safeParse(json);
      if (!data) return refused(400, 'bad request data');
      const tags = data.tags ? normalTags(data.tags) : before.tags;
      if (areTooLong(tags)) return tagsTooLong();
      const range = rangeOf(data.time || before.time, data.timeEnd || before.timeEnd);
      annotations.put({ ...before, ...range, text: data.text || before.text, tags, updated: now() }, String(before.id));
      return { message: 'Annotation patched' };
    }),
  });
}

/** Returns the time range. Swaps start and end if the end is before the start. @param end 0 for a point in time */
const rangeOf = (start: number, end: number): Pick<Annotation, 'time' | 'timeEnd'> => ({
  time: Math.min(start, end || start),
  timeEnd: Math.max(start, end),
});

/**
 * Normalizes tags as Grafana does: trims whitespace, removes duplicates, and shortens `a:b:c` to `a:b`.
 *
 * @see https://github.com/grafana/grafana, `ParseTagPairs` (read 2026-11)
 */
const normalTags = (tags: readonly string[]): string[] => {
  const parts = tags.map((tag) => tag.split(':', 2).map((part) => part.trim()));
  return [...new Set(parts.filter(([key]) => key !== '').map((part) => part.filter(Boolean).join(':')))];
};

/** A wanted tag without a value matches all values of its key. */
const hasTag = ({ tags }: Annotation, wanted: string): boolean =>
  tags.some((tag) => tag === wanted || tag.startsWith(`${wanted}:`));

const areTooLong = (tags: readonly string[]): boolean => Buffer.byteLength(JSON.stringify(tags)) > TAGS_MAX_BYTES;

const annotationJson = (annotation: Annotation): object => ({
  ...annotation,
  alertId: 0,
  dashboardId: annotation.dashboardUID === null ? 0 : 1,
  userId: 1,
  userName: 'firebreak',
  newState: '',
  prevState: '',
  data: {},
});

/** Accepts every well-formed token. The stand-in protects nothing; it detects a missing header. */
const requireToken: MiddlewareHandler = async (c, next) => {
  if (/^Bearer \S+$/.test(c.req.header('authorization') ?? '')) return next();
  return c.json({ message: 'Invalid API key', messageId: 'api-key.invalid', statusCode: 401, traceID: '' }, 401);
};

const refused = (status: number, message: string): Response => Response.json({ message }, { status });

const tagsTooLong = (): Response =>
  Response.json(
    {
      message: 'Tags length exceeds the maximum allowed.',
      messageId: 'annotations.tag-limit-exceeded',
      statusCode: 400,
      traceID: '',
    },
    { status: 400 },
  );
