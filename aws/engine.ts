import {
  GetDurableExecutionCommand,
  InvokeCommand,
  type LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { Engine } from '../domain/ports.ts';

/** Answers by which the API says that nobody waits on a callback any more. */
const CLOSED_CALLBACK = new Set([
  'CallbackTimeoutException',
  'ResourceNotFoundException',
  'InvalidParameterValueException',
]);

const DEAD = new Set(['FAILED', 'TIMED_OUT', 'STOPPED']);

/** Lambda durable functions carry the workflows. `workflow`: function name with the version or alias to start. */
export const lambdaEngine = (
  client: LambdaClient,
  workflow: { functionName: string; qualifier: string },
  stage: string,
): Engine => ({
  async start(incident, run) {
    try {
      await client.send(
        new InvokeCommand({
          FunctionName: workflow.functionName,
          Qualifier: workflow.qualifier,
          InvocationType: 'Event',
          // Labels never get in here: 64 characters of [A-Za-z0-9-_], and the same for every try.
          DurableExecutionName: `${stage}-${incident}-${run}`,
          Payload: JSON.stringify({ incidentId: incident, run }),
        }),
      );
    } catch (error) {
      // Name and payload are ours alone, so whatever carries this name is this run.
      if (error instanceof Error && error.name === 'DurableExecutionAlreadyStartedException') return;
      throw error;
    }
  },
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
