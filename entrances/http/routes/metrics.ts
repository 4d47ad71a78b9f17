import * as z from 'zod';
import type { Scope } from '../../../core/domain/access/access.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../deps.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { type Api, createRoute, endpoint } from '../endpoint.ts';
import { featureMetrics } from '../features.ts';
import { expositionOf, gauge, type Metric } from './metrics/exposition.ts';
import { counterMetrics, effectMetrics, queueMetrics } from './metrics/operations.ts';
import { stateMetrics } from './metrics/state.ts';
import { readiness } from './readiness.ts';

/** Milliseconds for which the metrics that need many calls are cached. */
const CACHE_MS = 2_000;

/** The same for figures that change slowly, of which a report reads four weeks. */
const SLOW_CACHE_MS = 60_000;

/**
 * Registers the Prometheus endpoint. All metrics are read from the table and the queues, so that every instance returns
 * the same values.
 */
export function metricsRoutes(app: Api, deps: ApiDeps): void {
  const expensive = cached(deps, CACHE_MS, () => expensiveMetrics(deps));
  const slow = cached(deps, SLOW_CACHE_MS, () => featureMetrics(deps, 'slow'));
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
      const metrics = await readable(deps, [stateMetrics(deps), expensive(), slow()]);
      const visible = metrics.map((metric) => ({
        ...metric,
        samples: metric.samples.filter(([labels]) => c.var.may(scopeOf(labels))),
      }));
      return c.text(visible.map(expositionOf).join(''), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    },
  );
}

/** Returns the scope of a sample. An empty label stands for all services or environments. */
const scopeOf = ({ service, environment }: Record<string, string>): Scope => ({
  ...(service && { service }),
  ...(environment && { environment }),
});

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
  (
    await Promise.all([queueMetrics(deps), effectMetrics(deps), counterMetrics(deps), featureMetrics(deps, 'current')])
  ).flat();

/**
 * Returns the metrics that can be read, and whether Firebreak accepts alerts. If it does not, the rules need this metric
 * more than the others, so those that cannot be read are left out.
 *
 * @throws if metrics cannot be read although Firebreak accepts alerts
 */
async function readable(deps: ApiDeps, groups: readonly Promise<Metric[]>[]): Promise<Metric[]> {
  const read = await Promise.allSettled(groups);
  // Last, because the reads before it may have found damage.
  const { ready } = await readiness(deps);
  const failed = read.find((group) => group.status === 'rejected');
  if (ready && failed !== undefined) throw failed.reason;
  if (failed !== undefined) deps.log.warn('metrics could not be read', { error: String(failed.reason) });
  const help = '1 while Firebreak accepts alerts; 0 while GET /readyz responds with 503, and alerts may be refused';
  return [
    gauge('firebreak_intake_ok', help, [[{}, ready ? 1 : 0]]),
    ...read.flatMap((group) => (group.status === 'fulfilled' ? group.value : [])),
  ];
}
