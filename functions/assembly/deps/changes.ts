import type { Targets } from '../../../core/domain/ports/rollback.ts';
import { imageCommits } from '../../../vendors/oci/image-commits.ts';
import { deployerFor, flagsFor, imageAutomationFor } from '../../../vendors/rollback-targets.ts';
import { runbookCalls } from '../../../vendors/runbook-http/calls.ts';
import { WatchTable } from '../../../core/stores/judge/watches.ts';
import { BacklogTable } from '../../../core/stores/changes/backlog.ts';
import { ChangeTable } from '../../../core/stores/changes/changes.ts';
import { PinTable } from '../../../core/stores/changes/pins.ts';
import { RolloutTable } from '../../../core/stores/changes/rollouts.ts';
import { CodeTable } from '../../../core/stores/changes/code.ts';
import type { Shared } from './shared.ts';

/**
 * Creates the stores of changes, and the clients for rollback targets, feature flags, and steps of runbooks. The code of
 * what only rerouting uses is loaded when it begins.
 */
export function changeDeps(shared: Shared) {
  const { system, table, changed, rollbackGates, counted } = shared;
  const { clock, secrets, config } = system;
  return {
    changes: new ChangeTable(table, clock, changed),
    rollouts: new RolloutTable(table, clock),
    imageCommits: imageCommits({
      registries: async () => (await config.current()).delivery.registries,
      secrets,
      log: system.log,
    }),
    code: new CodeTable(table),
    pins: new PinTable(table, clock, changed),
    rollbackGates,
    watches: new WatchTable(table, system.counters),
    backlog: new BacklogTable(table, clock),
    targets: targets(shared),
    http: counted('runbook-http', runbookCalls({ secrets, clock })),
  };
}

function targets({ system, rollbackGates, github, counted }: Shared): Targets {
  const { clock, secrets, config, standIns } = system;
  const parts = { secrets, clock, config, rollbackGates, github, standIns };
  return {
    async deployerFor(entry, serviceEnvironment) {
      const deployer = await deployerFor(entry, { serviceEnvironment, ...parts });
      return deployer && counted(entry.kind, deployer);
    },
    async flagsFor(entry, serviceEnvironment) {
      const flags = await flagsFor(entry, { serviceEnvironment, ...parts });
      return flags && counted(entry.kind, flags);
    },
    async imageAutomationFor(entry, serviceEnvironment) {
      const automation = await imageAutomationFor(entry, { serviceEnvironment, ...parts });
      return automation && counted(entry.kind, automation);
    },
    async trafficRouteFor(entry, serviceEnvironment) {
      const { trafficRouteFor } = await import('../../../vendors/traffic-routes.ts');
      const route = await trafficRouteFor(entry, { serviceEnvironment, secrets, clock, standIns });
      return route && counted(entry.kind, route);
    },
  };
}
