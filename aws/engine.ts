import {
  GetDurableExecutionCommand,
  InvokeCommand,
  type LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { DrillRuns } from '../domain/ports/automation.ts';
import type { CanaryRuns, WatchRuns } from '../domain/ports/canary.ts';
import type { FlagRuns } from '../domain/ports/decisions.ts';
import type { ExperimentRuns } from '../domain/ports/experiments.ts';
import type { Engine } from '../domain/ports/system.ts';

/** Errors by which the API says that a callback is already closed. */
const CLOSED_CALLBACK = new Set([
  'CallbackTimeoutException',
  'ResourceNotFoundException',
  'InvalidParameterValueException',
]);

const DEAD = new Set(['FAILED', 'TIMED_OUT', 'STOPPED']);

/** Name of the function, and the version or alias to start. */
type Workflow = { functionName: string; qualifier: string };

/** Runs workflows as Lambda durable functions. */
export const lambdaEngine = (client: LambdaClient, workflow: Workflow, stage: string): Engine => ({
  start: (incident, run) =>
    startExecution(client, workflow, `${stage}-${incident}-${run}`, { incidentId: incident, run }),
  async died(execution) {
    try {
      const { Status } = await client.send(new GetDurableExecutionCommand({ DurableExecutionArn: execution }));
      return DEAD.has(Status ?? '');
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return true;
      throw error;
    }
  },
  async completeCallback(callback) {
    try {
      await client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callback }));
    } catch (error) {
      if (error instanceof Error && CLOSED_CALLBACK.has(error.name)) return;
      throw error;
    }
  },
});

/**
 * Runs drills in the same function as incidents, so that a drill proves the permissions that a rollback in an incident
 * uses.
 */
export const lambdaDrillRuns = (client: LambdaClient, workflow: Workflow, stage: string): DrillRuns => ({
  start: (drill, run) => startExecution(client, workflow, `${stage}-drill-${drill}-${run}`, { drillId: drill, run }),
});

/** Runs canaries in the same function, because they change the same targets as rollbacks. */
export const lambdaCanaryRuns = (client: LambdaClient, workflow: Workflow, stage: string): CanaryRuns => ({
  start: (canary, run) =>
    startExecution(client, workflow, `${stage}-canary-${canary}-${run}`, { canaryId: canary, run }),
});

/** Runs watches in the same function as incidents. */
export const lambdaWatchRuns = (client: LambdaClient, workflow: Workflow, stage: string): WatchRuns => ({
  start: (watch, run) => startExecution(client, workflow, `${stage}-${watch}-${run}`, { watchId: watch, run }),
});

/** Runs experiments in the same function as incidents. */
export const lambdaExperimentRuns = (client: LambdaClient, workflow: Workflow, stage: string): ExperimentRuns => ({
  start: (experiment, run) =>
    startExecution(client, workflow, `${stage}-exp-${experiment}-${run}`, { experimentId: experiment, run }),
});

/** Runs requests for a flag in the same function, because they change the same flags as mitigations. */
export const lambdaFlagRuns = (client: LambdaClient, workflow: Workflow, stage: string): FlagRuns => ({
  start: (incident, number) =>
    startExecution(client, workflow, `${stage}-flag-${incident}-${number}`, { flagsOf: incident, run: number }),
});

/** @param name 64 characters of [A-Za-z0-9-_], the same for each attempt; never contains labels */
async function startExecution(client: LambdaClient, workflow: Workflow, name: string, input: object): Promise<void> {
  try {
    await client.send(
      new InvokeCommand({
        FunctionName: workflow.functionName,
        Qualifier: workflow.qualifier,
        InvocationType: 'Event',
        DurableExecutionName: name,
        Payload: JSON.stringify(input),
      }),
    );
  } catch (error) {
    // Name and payload come from Firebreak alone, so an execution with this name is this run.
    if (error instanceof Error && error.name === 'DurableExecutionAlreadyStartedException') return;
    throw error;
  }
}
