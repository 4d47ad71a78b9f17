import {
  GetDurableExecutionCommand,
  InvokeCommand,
  type LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import type { Executions, ExecutionStatus } from '../executions.ts';

/** Errors by which the API says that a callback is already closed. */
const CLOSED_CALLBACK = new Set([
  'CallbackTimeoutException',
  'ResourceNotFoundException',
  'InvalidParameterValueException',
]);

const STATUSES: Readonly<Record<string, ExecutionStatus>> = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'failed',
  STOPPED: 'failed',
};

/** Name of the function, and the version or alias to start. */
type DurableFunction = { functionName: string; qualifier: string };

/** Runs executions as a Lambda durable function. */
export class LambdaExecutions implements Executions {
  readonly #client: LambdaClient;
  readonly #function: DurableFunction;

  constructor(client: LambdaClient, durableFunction: DurableFunction) {
    this.#client = client;
    this.#function = durableFunction;
  }

  async start(name: string, input: object): Promise<string | undefined> {
    const { functionName: FunctionName, qualifier: Qualifier } = this.#function;
    try {
      // With the same name and payload, Lambda returns the execution of that name, also if it has ended
      // (docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html, read 2026-11-27).
      const { DurableExecutionArn } = await this.#client.send(
        new InvokeCommand({
          FunctionName,
          Qualifier,
          InvocationType: 'Event',
          DurableExecutionName: name,
          Payload: JSON.stringify(input),
        }),
      );
      return DurableExecutionArn;
    } catch (error) {
      // Name and payload come from Firebreak alone, so an execution with this name is this one.
      if (nameOf(error) !== 'DurableExecutionAlreadyStartedException') throw error;
      return undefined;
    }
  }

  async status(execution: string): Promise<ExecutionStatus> {
    try {
      const { Status } = await this.#client.send(new GetDurableExecutionCommand({ DurableExecutionArn: execution }));
      return STATUSES[Status ?? ''] ?? 'running';
    } catch (error) {
      if (nameOf(error) === 'ResourceNotFoundException') return 'unknown';
      throw error;
    }
  }

  async completeCallback(callback: string): Promise<void> {
    try {
      await this.#client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: callback }));
    } catch (error) {
      if (!CLOSED_CALLBACK.has(nameOf(error))) throw error;
    }
  }
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
