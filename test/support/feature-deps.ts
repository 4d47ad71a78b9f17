import { extensionsOf, featurePorts } from '../../assembly/features.ts';
import type { Deps, SystemDeps } from '../../domain/ports/deps.ts';
import type { Executions } from '../../platforms/executions.ts';
import type { Store } from '../../platforms/store.ts';
import { Table } from '../../stores/core/table.ts';

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
  });

const refuse = async (): Promise<never> => {
  throw new Error('this table is always empty');
};

const EMPTY: Store = {
  get: async () => undefined,
  getMany: async (keys) => keys.map(() => undefined),
  range: async () => ({ items: [], more: false }),
  list: async () => ({ items: [], more: false }),
  write: refuse,
  update: refuse,
};

/** Returns the ports of all features on a table that is always empty. */
export const emptyFeatures = (system: Pick<SystemDeps, 'clock' | 'counters' | 'log'>): Deps['features'] =>
  featuresOn(new Table(EMPTY), system);
