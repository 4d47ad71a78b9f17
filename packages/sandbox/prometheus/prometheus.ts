import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { timestamp } from '../../../schemas/time/time.ts';
import { documentTables } from '../core/exchanges.ts';
import { check, readJson, readQuery } from '../core/problem.ts';
import { BadParameter, checkQuery, durationOf, timeOf } from './parameters.ts';
import { alertsOf, GivenRules, groupJson, openRules, stateOf } from './rules.ts';
import { GivenSeries, openSeries, valueAt, type Series } from './series.ts';
import type { StandIn, StandInDeps } from '../core/stand-in.ts';

/** Graphs of the queries that have samples. Times are RFC 3339. */
export type PrometheusView = {
  series: {
    query: string;
    labels: Readonly<Record<string, string>>;
    /** The last minute, one sample per second, oldest first; `null` if there is no sample. */
    samples: { at: string; value: string | null }[];
  }[];
  rules: { name: string; query: string; state: 'firing' | 'pending' | 'inactive' }[];
};

const GRAPH = { samples: 60, everyMs: 1000 };

/**
 * Maximum steps from the start to the end of a range query.
 *
 * @see https://github.com/prometheus/prometheus, `queryRange` of web/api/v1/api.go (read 2026-11)
 */
const RANGE_MAX_STEPS = 11_000;

/**
 * Prometheus' query API. It evaluates nothing: a query returns the samples that were set for its exact text under
 * `/sandbox/prometheus/series`. Other queries return no series, as in Prometheus for unknown series.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/ (read 2026-11)
 */
export const prometheus = {
  vendor: 'prometheus',
  tables: documentTables,
  credentialKeys: [],
  settings: null, // local/vendors.ts connects it once it has samples
  /** Responds that the query queue is full. Prometheus has no rate limit, but a limited queue. */
  throttled: () => errorResponse(503, 'timeout', 'query timed out in query queue'),
  app(deps) {
    const api = new Hono()
      .on(['GET', 'POST'], '/query', async (c) => instantQuery(await parametersOf(c), deps))
      .on(['GET', 'POST'], '/query_range', async (c) => rangeQuery(await parametersOf(c), deps))
      .get('/label/:name/values', (c) => c.json(success(labelValues(storedSeries(deps), c.req.param('name')))))
      .get('/series', (c) => matchingSeries(c, deps))
      .get('/rules', (c) => rules(c, deps))
      .get('/alerts', () => alerts(deps));
    return new Hono()
      .route('/api/v1', api)
      .get('/-/healthy', (c) => c.text('Prometheus Server is Healthy.\n'))
      .get('/-/ready', (c) => c.text('Prometheus Server is Ready.\n'))
      .notFound(notFound);
  },
  sandbox(deps) {
    const series = openSeries(deps.db);
    const ruleSet = openRules(deps.db);
    const list = () => ({ items: series.of(undefined).map(seriesJson), next_cursor: null });
    return new Hono()
      .get('/series', (c) => c.json(list()))
      .put('/series', async (c) => {
        series.add(check(GivenSeries, await readJson(c)), deps.now());
        return c.json(list());
      })
      .delete('/series', (c) => {
        series.drop(readQuery(c, z.strictObject({ query: z.string().optional() })).query);
        return c.json(list());
      })
      .get('/rules', (c) => c.json({ groups: ruleSet.groups() }))
      .put('/rules', async (c) => {
        ruleSet.set(check(GivenRules, await readJson(c)).groups);
        return c.json({ groups: ruleSet.groups() });
      })
      .delete('/rules', (c) => {
        ruleSet.set([]);
        return c.json({ groups: [] });
      });
  },
  view(deps): PrometheusView {
    const evaluation = evaluationOf(deps);
    const latest = Math.floor(evaluation.now / GRAPH.everyMs) * GRAPH.everyMs;
    const times = Array.from({ length: GRAPH.samples }, (_, i) => latest - (GRAPH.samples - 1 - i) * GRAPH.everyMs);
    return {
      series: openSeries(deps.db)
        .of(undefined)
        .map((series) => ({
          query: series.query,
          labels: series.labels,
          samples: times.map((at) => ({ at: timestamp(at), value: valueAt(series, at) })),
        })),
      rules: alertingRules(deps).map((rule) => ({
        name: rule.name,
        query: rule.query,
        state: stateOf(alertsOf(rule, evaluation)),
      })),
    };
  },
} as const satisfies StandIn;

/** Returns a function that returns whether samples or rules were set. Until then, Prometheus counts as absent. */
export function prometheusInUse({ db }: Pick<StandInDeps, 'db'>): () => boolean {
  const [series, ruleStore] = [openSeries(db), openRules(db)]; // prepared once: the product asks with each secret that it reads
  return () => !series.isEmpty() || ruleStore.groups().length > 0;
}

const seriesJson = ({ query, labels, points }: Series): object => ({
  query,
  labels,
  points: points.map(({ at, value }) => ({ at: timestamp(at), value })),
});

const evaluationOf = ({ db, now, timeScale }: StandInDeps) => ({
  now: now(),
  timeScale,
  seriesOf: (query: string) => openSeries(db).of(query),
});

const alertingRules = ({ db }: StandInDeps) =>
  openRules(db)
    .groups()
    .flatMap((group) => group.rules.filter(({ type }) => type === 'alerting'));

/** Returns the parameters. Parameters of a form in the body precede those of the URL. */
async function parametersOf(c: Context): Promise<URLSearchParams> {
  const isForm = c.req.header('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false;
  const form = new URLSearchParams(isForm ? await c.req.text() : '');
  return new URLSearchParams([...form, ...new URL(c.req.url).searchParams]);
}

function instantQuery(parameters: URLSearchParams, { db, now }: StandInDeps): Response {
  return respond(() => {
    const time = parameters.get('time');
    const at = time ? timeOf('time', time) : now();
    const query = queryOf(parameters);
    const result = openSeries(db)
      .of(query)
      .flatMap((series) => {
        const value = valueAt(series, at);
        return value === null ? [] : [{ metric: series.labels, value: [at / 1000, value] }];
      });
    return { resultType: 'vector', result };
  });
}

function rangeQuery(parameters: URLSearchParams, { db }: StandInDeps): Response {
  return respond(() => {
    const start = timeOf('start', parameters.get('start') ?? '');
    const end = timeOf('end', parameters.get('end') ?? '');
    if (end < start) throw new BadParameter('end', 'end timestamp must not be before start time');
    const step = durationOf('step', parameters.get('step') ?? '');
    if (step <= 0) throw new BadParameter('step', NO_STEP);
    const steps = Math.floor((end - start) / step);
    if (steps > RANGE_MAX_STEPS) return errorResponse(400, 'bad_data', TOO_MANY_POINTS);
    const query = queryOf(parameters);
    const times = Array.from({ length: steps + 1 }, (_, i) => Math.round(start + i * step));
    const result = openSeries(db)
      .of(query)
      .map((series) => ({ metric: series.labels, values: samples(series, times) }))
      .filter(({ values }) => values.length > 0);
    return { resultType: 'matrix', result };
  });
}

const NO_STEP = 'zero or negative query resolution step widths are not accepted. Try a positive integer';
const TOO_MANY_POINTS =
  'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)';

const samples = (series: Series, times: readonly number[]): [number, string][] =>
  times.flatMap((at) => {
    const value = valueAt(series, at);
    return value === null ? [] : [[at / 1000, value] satisfies [number, string]];
  });

function queryOf(parameters: URLSearchParams): string {
  const timeout = parameters.get('timeout');
  if (timeout) durationOf('timeout', timeout);
  const query = parameters.get('query') ?? '';
  checkQuery(query);
  return query;
}

type LabelSet = Readonly<Record<string, string>>;

/**
 * Returns the labels of the series that a Prometheus with these samples stores. Samples of an expression are no stored
 * series, as in Prometheus.
 */
const storedSeries = ({ db }: StandInDeps): LabelSet[] =>
  openSeries(db)
    .of(undefined)
    .flatMap(({ query, labels }) => {
      const selected = selectedBy(query);
      return selected === null ? [] : [{ ...selected, ...labels }];
    });

const SELECTOR = /^([a-zA-Z_:][\w:]*)\s*(?:\{([^{}]*)\})?$/;
const EQUALITY = /(?<!\w)([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\[^])*)(?:"|\\?$)/g;

/** Returns the name and the labels that a selector requires. Null: it is another expression. */
function selectedBy(query: string): Record<string, string> | null {
  const [, name, matchers = ''] = SELECTOR.exec(query.trim()) ?? [];
  if (name === undefined) return null;
  const required = [...matchers.matchAll(EQUALITY)].map(([, label = '', value = '']) => [label, value] as const);
  return { __name__: name, ...Object.fromEntries(required) };
}

const labelValues = (series: readonly LabelSet[], name: string): string[] =>
  [...new Set(series.flatMap((labels) => labels[name] ?? []))].toSorted();

function matchingSeries(c: Context, deps: StandInDeps): Response {
  const requested = c.req.queries('match[]') ?? [];
  if (requested.length === 0) return errorResponse(400, 'bad_data', 'no match[] parameter provided');
  const selectors = requested.map(selectedBy);
  const found = storedSeries(deps).filter((labels) =>
    selectors.some((one) => one !== null && Object.entries(one).every(([label, value]) => labels[label] === value)),
  );
  return Response.json(success(found));
}

const success = (data: object): { status: 'success'; data: object } => ({ status: 'success', data });

function rules(c: Context, deps: StandInDeps): Response {
  const type = (c.req.query('type') ?? '').toLowerCase();
  if (!['', 'alert', 'record'].includes(type)) {
    return errorResponse(400, 'bad_data', `invalid parameter "type": not supported value ${JSON.stringify(type)}`);
  }
  const names = c.req.queries('rule_name[]') ?? [];
  const groups = openRules(deps.db)
    .groups()
    .map((group) =>
      groupJson(
        group,
        (rule) => rule.type.startsWith(type) && (names.length === 0 || names.includes(rule.name)),
        evaluationOf(deps),
      ),
    )
    .filter((group) => names.length === 0 || group.rules.length > 0);
  return Response.json({ status: 'success', data: { groups } });
}

/**
 * Lists active alerts. An empty list means that all alerts are over, so this responds with an error until there are
 * rules, and samples for the query of each rule.
 */
function alerts(deps: StandInDeps): Response {
  const evaluation = evaluationOf(deps);
  const alerting = alertingRules(deps);
  if (alerting.length === 0 || alerting.some(({ query }) => evaluation.seriesOf(query).length === 0)) {
    return errorResponse(
      503,
      'unavailable',
      'the sandbox has no rules, or no samples for the query of a rule; set both first',
    );
  }
  return Response.json({ status: 'success', data: { alerts: alerting.flatMap((rule) => alertsOf(rule, evaluation)) } });
}

/** Responds with the result, or with the error about the parameters. */
function respond(find: () => { resultType: string; result: object[] } | Response): Response {
  try {
    const found = find();
    return found instanceof Response ? found : Response.json({ status: 'success', data: found });
  } catch (error) {
    if (error instanceof BadParameter) return errorResponse(400, 'bad_data', error.message);
    throw error;
  }
}

const errorResponse = (status: number, errorType: string, error: string): Response =>
  Response.json({ status: 'error', errorType, error }, { status });

const notFound = (): Response =>
  new Response('404 page not found\n', {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  });
