import type { ChangeDeps } from '../../domain/ports/deps.ts';
import { imageCommits } from '../../integrations/oci/image-commits.ts';
import { deployerFor, flagsFor, imageAutomationFor } from '../../integrations/rollback-targets.ts';
import { runbookCalls } from '../../integrations/runbook-http/calls.ts';
import { notifyingChanges, notifyingPins } from '../../stores/notifying-stores.ts';
import { CanaryTable } from '../../stores/canary/canaries.ts';
import { WatchTable } from '../../stores/canary/watches.ts';
import { BacklogTable } from '../../stores/changes/backlog.ts';
import { ChangeTable } from '../../stores/changes/changes.ts';
import { PinTable } from '../../stores/changes/pins.ts';
import { RolloutTable } from '../../stores/changes/rollouts.ts';
import { AttributionTable } from '../../stores/delivery/attributions.ts';
import { DeployHistoryTable } from '../../stores/delivery/deploy-history.ts';
import { CodeTable } from '../../stores/delivery/code.ts';
import type { Shared } from './shared.ts';

/**
 * Creates the stores of changes, and the clients for rollback targets, feature flags, and steps of runbooks. The code of
 * what only canaries and rerouting use is loaded when one of them begins.
 */
export function changeDeps({ system, table, projections, rollbackGates, github, counted }: Shared): ChangeDeps {
  const { clock, secrets, config, standIns } = system;
  const targets = { secrets, clock, config, rollbackGates, github, standIns };
  return {
    changes: notifyingChanges(new ChangeTable(table, clock), (...subjects) => projections.changed(...subjects)),
    rollouts: new RolloutTable(table, clock),
    imageCommits: imageCommits({
      registries: async () => (await config.current()).delivery.registries,
      secrets,
      log: system.log,
    }),
    code: new CodeTable(table),
    pins: notifyingPins(new PinTable(table, clock), (...subjects) => projections.changed(...subjects)),
    deployHistory: new DeployHistoryTable(table),
    attributions: new AttributionTable(table),
    watches: new WatchTable(table, system.counters),
    backlog: new BacklogTable(table, clock),
    deployerFor: async (entry, serviceEnvironment) => {
      const deployer = await deployerFor(entry, { serviceEnvironment, ...targets });
      return deployer && counted(entry.kind, deployer);
    },
    flagsFor: async (entry, serviceEnvironment) => {
      const flags = await flagsFor(entry, { serviceEnvironment, ...targets });
      return flags && counted(entry.kind, flags);
    },
    imageAutomationFor: async (entry, serviceEnvironment) => {
      const automation = await imageAutomationFor(entry, { serviceEnvironment, ...targets });
      return automation && counted(entry.kind, automation);
    },
    canaries: new CanaryTable(table, clock, system.counters),
    trafficRouterFor: async (entry, serviceEnvironment) => {
      const { trafficRouterFor } = await import('../../integrations/traffic-routers.ts');
      const router = await trafficRouterFor(entry, { serviceEnvironment, secrets, clock, standIns });
      return router && counted(entry.kind, router);
    },
    trafficRouteFor: async (entry, serviceEnvironment) => {
      const { trafficRouteFor } = await import('../../integrations/traffic-routes.ts');
      const route = await trafficRouteFor(entry, { serviceEnvironment, secrets, clock, standIns });
      return route && counted(entry.kind, route);
    },
    http: counted('runbook-http', runbookCalls({ secrets, clock })),
  };
}
