import type { ApiDeps } from './deps.ts';
import { FEATURES } from '../../features/index.ts';
import type { FeatureMetrics } from '../../features/manifest.ts';
import type { Metric } from './routes/metrics/exposition.ts';

/** Registers the routes of each feature. Loaded with the API, whose description names all routes. */
export const FEATURE_ROUTES = await Promise.all(FEATURES.flatMap(({ routes }) => routes?.() ?? []));

/** Adds the middleware of each feature. */
export const FEATURE_MIDDLEWARE = await Promise.all(FEATURES.flatMap(({ middleware }) => middleware?.() ?? []));

/** Reads the metrics of the features that the configuration uses. */
export async function featureMetrics(deps: ApiDeps, kind: keyof FeatureMetrics): Promise<Metric[]> {
  const config = await deps.config.current();
  const used = FEATURES.filter(({ isConfigured }) => isConfigured(config));
  return (await Promise.all(used.map(async ({ metrics }) => (await (await metrics?.())?.[kind]?.(deps)) ?? []))).flat();
}
