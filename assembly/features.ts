import type { Deps } from '../domain/ports/deps.ts';
import type { Extension, Extensions } from '../domain/ports/extensions.ts';
import { FEATURES } from '../features/index.ts';
import type { FeatureParts } from '../features/manifest.ts';

/** Creates the stores and clients of all features, by the name of the feature. */
export const featurePorts = (parts: FeatureParts): Deps['features'] =>
  Object.fromEntries(FEATURES.map(({ name, ports }) => [name, ports?.(parts) ?? {}]));

/**
 * Returns what features do at the points of the core, in the order of the features.
 *
 * @param depsOf called when the code of a part is used for the first time
 */
export const extensionsOf = (depsOf: () => Deps): Extensions => ({
  expectedAlerts: partsAt('expectedAlerts', depsOf),
  systems: partsAt('systems', depsOf),
  actionItems: partsAt('actionItems', depsOf),
  actionItemOrigins: partsAt('actionItemOrigins', depsOf),
  forgeEvents: partsAt('forgeEvents', depsOf),
  spans: partsAt('spans', depsOf),
});

type PartAt<Point extends keyof Extensions> = Extensions[Point][number] extends Extension<infer Part> ? Part : never;

function partsAt<Point extends keyof Extensions>(point: Point, depsOf: () => Deps): Extension<PartAt<Point>>[] {
  return FEATURES.flatMap(({ isConfigured, extensions }) => {
    const create = extensions?.[point] as ((deps: Deps) => Promise<PartAt<Point>>) | undefined;
    if (create === undefined) return [];
    let loading: Promise<PartAt<Point>> | undefined;
    return [{ isConfigured, load: () => (loading ??= create(depsOf())) }];
  });
}
