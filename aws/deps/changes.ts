import type { ChangeDeps } from '../../domain/ports/deps.ts';
import { deployerFor, flagsFor } from '../../integrations/rollback-targets.ts';
import { runbookCalls } from '../../integrations/runbook-http/calls.ts';
import { announcedChanges } from '../notifying-stores.ts';
import { BacklogTable } from '../table/changes/backlog.ts';
import { ChangeTable } from '../table/changes/changes.ts';
import { PinTable } from '../table/changes/pins.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of changes, and the clients for rollback targets, feature flags, and steps of runbooks. */
export function changeDeps({ system, table, projections, gates, github, counted }: Shared): ChangeDeps {
  const { clock, secrets, config, standIns } = system;
  const targets = { secrets, clock, config, gates, github, standIns };
  return {
    changes: announcedChanges(new ChangeTable(table, clock), (...subjects) => projections.changed(...subjects)),
    pins: new PinTable(table, clock),
    backlog: new BacklogTable(table, clock),
    deployerFor: async (entry, place) => {
      const deployer = await deployerFor(entry, { place, ...targets });
      return deployer && counted(entry.kind, deployer);
    },
    flagsFor: async (entry, place) => {
      const flags = await flagsFor(entry, { place, ...targets });
      return flags && counted(entry.kind, flags);
    },
    http: counted('runbook-http', runbookCalls({ secrets, clock })),
  };
}
