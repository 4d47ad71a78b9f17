import { extensionsOf, featurePorts } from '../../assembly/features.ts';
import type { Deps, SystemDeps } from '../../domain/ports/deps.ts';
import type { Executions } from '../../platforms/executions.ts';
import type { FeatureParts } from '../../features/manifest.ts';
import type { Table } from '../../stores/core/table.ts';

/** Gives dependencies the ports of a feature, and what all features do at the points of the core. */
export const addFeature = (deps: Deps, name: string, ports: object): void =>
  void Object.assign(deps, { features: { ...deps.features, [name]: ports }, extensions: extensionsOf(() => deps) });

/** Returns the ports of all features on a table. */
export const featuresOn = (table: Table, system: Pick<SystemDeps, 'clock' | 'counters' | 'log'>): Deps['features'] =>
  featurePorts({
    system: system as SystemDeps,
    table,
    executions: { start: async () => undefined } as unknown as Executions,
    stage: 'test',
    counted: (_, port) => port,
    github: {} as unknown as FeatureParts['github'], // no test of a store calls it
  });
