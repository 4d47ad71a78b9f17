import { DurableExecutionApiClient, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { deps, durableClient } from './assembly/aws.ts';
import { workflow } from './assembly/workflow.ts';

let durable: ReturnType<typeof withDurableExecution> | undefined;

/** The Lambda handler. Uses our own Lambda client with tuned time-outs, because a run waits for its checkpoints. */
export const handler: ReturnType<typeof withDurableExecution> = (event, context) =>
  (durable ??= withDurableExecution(workflow(deps), {
    durableExecutionClient: new DurableExecutionApiClient(durableClient()),
  }))(event, context);
