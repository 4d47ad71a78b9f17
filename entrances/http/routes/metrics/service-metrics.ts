import type { Scope } from '../../../../core/domain/access/access.ts';
import { reportKind } from '../../../../core/domain/ports/reports.ts';
import { FEATURES } from '../../../../features/index.ts';
import type { ComputeOf, FeatureDeps, FeatureMetrics } from '../../../../features/manifest.ts';
import { expositionOf, type Metric } from './exposition.ts';
import { stateMetrics } from './state.ts';

/** Metrics of services, as far as the reader may see them, in the text format. They have series of each service. */
export const SERVICE_METRICS = reportKind<null, string>('metrics', 'scrape');

/** Those of features that change slowly, of all services. */
export const SLOW_METRICS = reportKind<null, Metric[]>('metrics.slow');

export const serviceMetrics: ComputeOf<typeof SERVICE_METRICS> = async (deps, _, mayDo) => {
  const may = oncePerScope((scope) => mayDo('metrics:read', scope));
  const metrics = await Promise.all([
    stateMetrics(deps),
    featureMetrics(deps, 'current'),
    deps.reports.read(SLOW_METRICS, null, null).then(({ value }) => value),
  ]);
  return metrics
    .flat()
    .map((metric) => expositionOf(visibleIn(metric, may)))
    .join('');
};

export const slowMetrics: ComputeOf<typeof SLOW_METRICS> = (deps) => featureMetrics(deps, 'slow');

/** Returns a metric without the samples of services and environments that a reader may not see. */
export const visibleIn = (metric: Metric, may: (scope: Scope) => boolean): Metric => ({
  ...metric,
  samples: metric.samples.filter(([labels]) => may(scopeOf(labels))),
});

/** Returns the scope of a sample. An empty label stands for all services or environments. */
const scopeOf = ({ service, environment }: Record<string, string>): Scope => ({
  ...(service && { service }),
  ...(environment && { environment }),
});

/** A service has many samples, and to check a permission takes longer than to look it up. */
function oncePerScope(may: (scope: Scope) => boolean): (scope: Scope) => boolean {
  const known = new Map<string, boolean>();
  return (scope) => {
    const key = JSON.stringify([scope.service, scope.environment]);
    const isAllowed = known.get(key) ?? may(scope);
    known.set(key, isAllowed);
    return isAllowed;
  };
}

/** Reads the metrics of the features that the configuration uses. */
async function featureMetrics(deps: FeatureDeps, kind: keyof FeatureMetrics): Promise<Metric[]> {
  const config = await deps.config.current();
  const used = FEATURES.filter(({ isConfigured }) => isConfigured(config));
  return (await Promise.all(used.map(async ({ metrics }) => (await (await metrics?.())?.[kind]?.(deps)) ?? []))).flat();
}
