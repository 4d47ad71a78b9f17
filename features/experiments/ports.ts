import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { type FeatureDeps, type FeatureParts, portsAdder } from '../manifest.ts';
import type { ChaosObjectsOf, ChaosSystemFor, ExperimentRuns, Experiments } from './types.ts';

/** What experiments need beyond the core. */
export type ExperimentPorts = {
  experiments: Experiments;
  experimentRuns: ExperimentRuns;
  /** Undefined: the configuration is incomplete. */
  chaosSystemFor: ChaosSystemFor;
  chaosObjectsOf: ChaosObjectsOf;
};

export type Deps = FeatureDeps & ExperimentPorts;

/** Creates the store of experiments and the clients of chaos systems. Their code is loaded with their first use. */
export function experimentPorts({ system, table, executions, stage, counted }: FeatureParts): ExperimentPorts {
  const { counters, clock, secrets } = system;
  return {
    experiments: loadedOnUse(async () => new (await import('./store.ts')).ExperimentTable(table, counters)),
    experimentRuns: {
      start: (experiment, workflowRun) =>
        executions.start(`${stage}-exp-${experiment}-${workflowRun}`, { experimentId: experiment, run: workflowRun }),
    },
    chaosSystemFor: async (entry, chaosRun) => {
      const { chaosSystemFor } = await import('./chaos/chaos-systems.ts');
      const chaos = await chaosSystemFor(entry, chaosRun, { secrets, clock });
      return chaos && counted(entry.kind, chaos);
    },
    chaosObjectsOf: async (entry) => {
      const { chaosObjectsOf } = await import('./chaos/chaos-systems.ts');
      return chaosObjectsOf(entry, { secrets, clock });
    },
  };
}

/** Returns the dependencies with those of experiments. */
export const withPorts = portsAdder<ExperimentPorts>('experiments');
