import { blobsInMemory } from './noun-stores.ts';
import { extensionsOf, featurePorts } from '../../functions/assembly/features.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { Executions } from '../../platforms/executions.ts';
import type { FeatureParts, SystemDeps } from '../../features/manifest.ts';
import { AuditLogTable } from '../../core/stores/audit/audit-log.ts';
import type { Table } from '../../core/stores/table.ts';

/** Gives dependencies the ports of a feature, and what all features do at the points of the core. */
export const addFeature = (deps: Product, name: string, ports: object): void =>
  void Object.assign(deps, { features: { ...deps.features, [name]: ports }, extensions: extensionsOf(() => deps) });

/** Returns the ports of all features on a table. */
export const featuresOn = (table: Table, system: Pick<SystemDeps, 'clock' | 'counters' | 'log'>): Product['features'] =>
  featurePorts({
    system: system as SystemDeps,
    table,
    audit: new AuditLogTable(table, blobsInMemory(), system.clock, system.log, { get: async () => 'key of seals' }),
    changed: async () => undefined,
    executions: { start: async () => undefined } as unknown as Executions,
    stage: 'test',
    counted: (_, port) => port,
    github: {} as unknown as FeatureParts['github'], // no test of a store calls it
    publicFiles: {} as unknown as FeatureParts['publicFiles'],
  });
