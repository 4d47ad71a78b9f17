import { signalQueue } from '../../../core/stores/queues/signals.ts';
import { inboundQueue, queueOperations } from '../../../core/stores/queues/queues.ts';
import type { Shared } from './shared.ts';
import type { Engine, Runs } from '../../../core/domain/ports/system.ts';
import type { Executions } from '../../../platforms/executions.ts';

/** Creates the queues, and the engines of all workflows, which share one function. */
export const queueDeps = ({ system: { blobs }, queues, platform, settings }: Shared) => ({
  queue: signalQueue(queues, blobs),
  inbound: inboundQueue(queues),
  queues: queueOperations(queues),
  ...enginesOf(platform.executions, settings.stage),
});

/**
 * Runs all workflows as executions of one function: drills prove the permissions that a rollback in an incident uses, and
 * canaries and requests for flags change the same targets.
 *
 * @param stage begins the names of executions, which are the same for each attempt and never contain labels
 */
export const enginesOf = (executions: Executions, stage: string): { engine: Engine; runs: Runs } => ({
  engine: {
    start: (incident, run) => executions.start(`${stage}-${incident}-${run}`, { incidentId: incident, run }),
    status: (execution) => executions.status(execution),
    completeCallback: (callback) => executions.completeCallback(callback),
  },
  runs: {
    drill: { start: (drill, run) => executions.start(`${stage}-drill-${drill}-${run}`, { drillId: drill, run }) },
    watch: { start: (watch, run) => executions.start(`${stage}-${watch}-${run}`, { watchId: watch, run }) },
    flag: {
      start: (incident, number) =>
        executions.start(`${stage}-flag-${incident}-${number}`, { flagsOf: incident, run: number }),
    },
  },
});
