import type { DrillRuns } from '../domain/ports/automation.ts';
import type { CanaryRuns, WatchRuns } from '../domain/ports/canary.ts';
import type { FlagRuns } from '../domain/ports/decisions.ts';
import type { Engine } from '../domain/ports/system.ts';
import type { Executions } from '../platforms/executions.ts';

/** The runs of all workflows. */
export type Engines = {
  engine: Engine;
  drillRuns: DrillRuns;
  canaryRuns: CanaryRuns;
  watchRuns: WatchRuns;
  flagRuns: FlagRuns;
};

/**
 * Runs all workflows as executions of one function: drills prove the permissions that a rollback in an incident uses, and
 * canaries and requests for flags change the same targets.
 *
 * @param stage begins the names of executions, which are the same for each attempt and never contain labels
 */
export const enginesOf = (executions: Executions, stage: string): Engines => ({
  engine: {
    start: (incident, run) => executions.start(`${stage}-${incident}-${run}`, { incidentId: incident, run }),
    died: async (execution) => ['failed', 'unknown'].includes(await executions.status(execution)),
    completeCallback: (callback) => executions.completeCallback(callback),
  },
  drillRuns: { start: (drill, run) => executions.start(`${stage}-drill-${drill}-${run}`, { drillId: drill, run }) },
  canaryRuns: {
    start: (canary, run) => executions.start(`${stage}-canary-${canary}-${run}`, { canaryId: canary, run }),
  },
  watchRuns: { start: (watch, run) => executions.start(`${stage}-${watch}-${run}`, { watchId: watch, run }) },
  flagRuns: {
    start: (incident, number) =>
      executions.start(`${stage}-flag-${incident}-${number}`, { flagsOf: incident, run: number }),
  },
});
