import type { Deps as FreezeDeps, FreezePorts } from '../freeze/ports.ts';
import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { type FeatureParts, portsAdder } from '../manifest.ts';
import type { Canaries, CanaryRuns, TrafficRouterFor } from './types.ts';

/** What canaries need beyond the core. */
export type CanaryPorts = {
  canaries: Canaries;
  canaryRuns: CanaryRuns;
  /** Undefined: the configuration is incomplete. */
  trafficRouterFor: TrafficRouterFor;
};

export type Deps = FreezeDeps & CanaryPorts;

/** Creates the store of canaries and the clients of traffic routers. Their code is loaded with their first use. */
export function canaryPorts({ system, table, executions, stage, counted }: FeatureParts): CanaryPorts {
  const { counters, clock, secrets, standIns } = system;
  return {
    canaries: loadedOnUse(async () => new (await import('./store.ts')).CanaryTable(table, clock, counters)),
    canaryRuns: {
      start: (canary, run) => executions.start(`${stage}-canary-${canary}-${run}`, { canaryId: canary, run }),
    },
    trafficRouterFor: async (entry, serviceEnvironment) => {
      const { trafficRouterFor } = await import('./vendors/routers.ts');
      const router = await trafficRouterFor(entry, { serviceEnvironment, secrets, clock, standIns });
      return router && counted(entry.kind, router);
    },
  };
}

/** Returns the dependencies with those of canaries and of freezes. */
export const withPorts = portsAdder<FreezePorts & CanaryPorts>('freeze', 'canary');
