import {
  GetDurableExecutionCommand,
  InvokeCommand,
  type LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { DrillRuns, Engine } from '../domain/ports.ts';

/** Answers by which the API says that nobody waits on a callback any more. */
const CLOSED_CALLBACK = new Set([
  'CallbackTimeoutException',
  'ResourceNotFoundException',
  'InvalidParameterValueException',
]);

const DEAD = new Set(['FAILED', 'TIMED_OUT', 'STOPPED']);

/** Function name with the version or alias to start. */
type Workflow = { functionName: string; qualifier: string };

/** Lambda durable functions carry the workflows. */
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
  async ring(callback) {
    try {
      await client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callback }));
    } catch (error) {
      if (error instanceof Error && CLOSED_CALLBACK.has(error.name)) return;
      throw error;
    }
  },
});

/** The same function carries the drills: what one proves holds for who rolls back in an incident. */
export const lambdaDrillRuns = (client: LambdaClient, workflow: Workflow, stage: string): DrillRuns => ({
  start: (drill, run) => startExecution(client, workflow, `${stage}-drill-${drill}-${run}`, { drillId: drill, run }),
});

/** @param name labels never get in here: 64 characters of [A-Za-z0-9-_], and the same for every try */
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
    // Name and payload are ours alone, so whatever carries this name is this run.
    if (error instanceof Error && error.name === 'DurableExecutionAlreadyStartedException') return;
    throw error;
  }
}
