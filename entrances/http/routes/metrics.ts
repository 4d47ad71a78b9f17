import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { ReportReader } from '../../../core/domain/ports/reports.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../deps.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { type Api, createRoute, endpoint, readerOf } from '../endpoint.ts';
import { expositionOf, gauge, type Metric } from './metrics/exposition.ts';
import { counterMetrics, effectMetrics, queueMetrics } from './metrics/operations.ts';
import { SERVICE_METRICS, visibleIn } from './metrics/service-metrics.ts';
import { ownMetrics } from './metrics/state.ts';
import { readiness } from './readiness.ts';

/** Milliseconds that a scrape waits for the metrics of services: below the usual time limit of scrapes, 10 s. */
const SERVICES_MAX_MS = 5_000;

/** Milliseconds for which the metrics that need many calls are cached. */
const CACHE_MS = 2_000;

/**
 * Registers the Prometheus endpoint. All metrics are read from the table and the queues, so that every instance returns
 * the same values. Those of services are a report: there are thousands of series, and many reads.
 */
export function metricsRoutes(app: Api, deps: ApiDeps): void {
  const expensive = cached(deps, CACHE_MS, () => expensiveMetrics(deps));
  endpoint(
    app,
    deps,
    'metrics:read',
    createRoute({
      method: 'get',
      path: '/metrics',
      tags: ['health'],
      summary: 'Get Prometheus metrics of the services and environments that the token may read',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } } },
    }),
    async (c) => {
      const own = async (metrics: Promise<Metric[]>): Promise<string> =>
        (await metrics).map((metric) => expositionOf(visibleIn(metric, c.var.may))).join('');
      const text = await readable(deps, [own(ownMetrics(deps)), own(expensive()), ofServices(deps, readerOf(c))]);
      return c.text(text, 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    },
  );
}

/**
 * Returns the metrics of services. Without them if they cannot be computed in time: the rules about Firebreak itself need the
 * others.
 */
async function ofServices({ reports, log }: ApiDeps, reader: ReportReader): Promise<string> {
  const late = sleep(SERVICES_MAX_MS, undefined, { ref: false }).then(() => {
    throw new Error(`not computed within ${SERVICES_MAX_MS / 1000} s`);
  });
  try {
    return (await Promise.race([reports.read(SERVICE_METRICS, null, reader), late])).value;
  } catch (error) {
    log.warn('metrics of services could not be computed', { error: String(error) });
    return '';
  }
}

/** Returns a function that reads metrics, and caches the result. */
function cached(
  { clock }: Pick<Deps, 'clock'>,
  millis: number,
  read: () => Promise<Metric[]>,
): () => Promise<Metric[]> {
  let last: { until: number; metrics: Promise<Metric[]> } | undefined;
  return () => {
    const now = millisOf(clock.now());
    if (last !== undefined && now < last.until) return last.metrics;
    const metrics = read();
    const current = (last = { until: now + millis, metrics });
    // An error is not cached.
    metrics.catch(() => {
      if (last === current) last = undefined;
    });
    return metrics;
  };
}

/** Reads the metrics that need many calls. */
const expensiveMetrics = async (deps: ApiDeps): Promise<Metric[]> =>
  (await Promise.all([queueMetrics(deps), effectMetrics(deps), counterMetrics(deps)])).flat();

/**
 * Returns the metrics that can be read, and whether Firebreak accepts alerts. If it does not, the rules need this metric
 * more than the others, so those that cannot be read are left out.
 *
 * @throws if metrics cannot be read although Firebreak accepts alerts
 */
async function readable(deps: ApiDeps, groups: readonly Promise<string>[]): Promise<string> {
  const read = await Promise.allSettled(groups);
  // Last, because the reads before it may have found damage.
  const { ready } = await readiness(deps);
  const failed = read.find((group) => group.status === 'rejected');
  if (ready && failed !== undefined) throw failed.reason;
  if (failed !== undefined) deps.log.warn('metrics could not be read', { error: String(failed.reason) });
  const help = '1 while Firebreak accepts alerts; 0 while GET /readyz responds with 503, and alerts may be refused';
  return [
    expositionOf(gauge('firebreak_intake_ok', help, [[{}, ready ? 1 : 0]])),
    ...read.flatMap((group) => (group.status === 'fulfilled' ? group.value : [])),
  ].join('');
}
