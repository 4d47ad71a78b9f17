import type { Deps as CoreDeps } from '../../domain/ports/deps.ts';
import { loadedOnUse } from '../../domain/ports/loaded-on-use.ts';
import type { FeatureParts } from '../manifest.ts';
import type { ChaosObjectsOf, ChaosSystemFor, ExperimentRuns, Experiments } from './types.ts';

/** What experiments need beyond the core. */
export type ExperimentPorts = {
  experiments: Experiments;
  experimentRuns: ExperimentRuns;
  /** Undefined: the configuration is incomplete. */
  chaosSystemFor: ChaosSystemFor;
  chaosObjectsOf: ChaosObjectsOf;
};

export type Deps = CoreDeps & ExperimentPorts;

/** Creates the store of experiments and the clients of chaos systems. Their code is loaded with their first use. */
export function experimentPorts({ system, table, executions, stage, counted }: FeatureParts): ExperimentPorts {
  const { counters, clock, secrets } = system;
  return {
    experiments: loadedOnUse(async () => new (await import('./store.ts')).ExperimentTable(table, counters)),
    experimentRuns: {
      start: (experiment, run) =>
        executions.start(`${stage}-exp-${experiment}-${run}`, { experimentId: experiment, run }),
    },
    chaosSystemFor: async (entry, run) => {
      const { chaosSystemFor } = await import('./chaos/chaos-systems.ts');
      const chaos = await chaosSystemFor(entry, run, { secrets, clock });
      return chaos && counted(entry.kind, chaos);
    },
    chaosObjectsOf: async (entry) => {
      const { chaosObjectsOf } = await import('./chaos/chaos-systems.ts');
      return chaosObjectsOf(entry, { secrets, clock });
    },
  };
}

/** Returns the dependencies with those of experiments. */
export const withPorts = <D extends Pick<CoreDeps, 'features'>>(deps: D): D & ExperimentPorts => ({
  ...deps,
  ...(deps.features['experiments'] as ExperimentPorts),
});
