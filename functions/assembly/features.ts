import type { Product } from './product.ts';
import { loadedOnce } from '../../core/domain/concurrency.ts';
import type { Extension, Extensions, PortsOfFeatures } from '../../core/domain/ports/extensions.ts';
import { FEATURES } from '../../features/index.ts';
import type { App, FeatureParts, ScheduledJob } from '../../features/manifest.ts';
import type { FunctionName } from './functions.ts';

/** Creates the stores and clients of all features, by the name of the feature. */
export const featurePorts = (parts: FeatureParts): PortsOfFeatures =>
  Object.fromEntries(FEATURES.map(({ name, ports }) => [name, ports?.(parts) ?? {}]));

/** Returns what answers the requests to a function of a feature. Without the feature, there is nothing at its addresses. */
export function featureApp(name: FunctionName, deps: Product): Promise<App> {
  const [create] = FEATURES.flatMap(({ apps }) => apps?.[name] ?? []);
  return create?.(deps) ?? Promise.resolve({ fetch: () => new Response(null, { status: 404 }) });
}

/** Returns the job of a feature that runs each minute in a function of its own. Its code is loaded by the first run. */
export function featureJob(name: FunctionName, deps: Product): ScheduledJob {
  const [create] = FEATURES.flatMap(({ schedules }) => schedules?.[name] ?? []);
  const loaded = create && loadedOnce(() => create(deps));
  return async (event) => (await loaded?.())?.(event);
}

/**
 * Returns what features do at the points of the core, in the order of the features.
 *
 * @param depsOf called when the code of a part is used for the first time
 */
export const extensionsOf = (depsOf: () => Product): Extensions => ({
  expectedAlerts: partsAt('expectedAlerts', depsOf),
  systems: partsAt('systems', depsOf),
  actionItems: partsAt('actionItems', depsOf),
  actionItemOrigins: partsAt('actionItemOrigins', depsOf),
  forgeEvents: partsAt('forgeEvents', depsOf),
  spans: partsAt('spans', depsOf),
  publicPages: partsAt('publicPages', depsOf),
  digestSections: partsAt('digestSections', depsOf),
  errorBudgets: partsAt('errorBudgets', depsOf),
  drivenDeploys: partsAt('drivenDeploys', depsOf),
  freezes: partsAt('freezes', depsOf),
});

type PartAt<Point extends keyof Extensions> = Extensions[Point][number] extends Extension<infer Part> ? Part : never;

function partsAt<Point extends keyof Extensions>(point: Point, depsOf: () => Product): Extension<PartAt<Point>>[] {
  return FEATURES.flatMap(({ isConfigured, extensions }) => {
    const create = extensions?.[point] as ((deps: Product) => Promise<PartAt<Point>>) | undefined;
    if (create === undefined) return [];
    return [{ isConfigured, load: loadedOnce(() => create(depsOf())) }];
  });
}
