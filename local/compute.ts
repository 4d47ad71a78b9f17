import { LambdaClient } from '@aws-sdk/client-lambda';
import { awsClient } from '../aws/clients/client.ts';
import { type FunctionName, FUNCTION_NAMES, functionName, FUNCTIONS, RECURSIVE, SCHEDULED } from '../aws/functions.ts';
import { READERS } from '../aws/resources.ts';
import { handler as consoleHandler } from '../functions/console.ts';
import { handler as digestHandler } from '../functions/digest.ts';
import { handler as evaluateHandler } from '../functions/evaluate.ts';
import { handler as inboundHandler } from '../functions/inbound.ts';
import { handler as httpHandler } from '../functions/http.ts';
import { handler as incidentResponse } from '../functions/incident-response.ts';
import { handler as projectHandler } from '../functions/project.ts';
import { handler as routeHandler } from '../functions/route.ts';
import { handler as slackHandler } from '../functions/slack.ts';
import { handler as snapshotHandler } from '../functions/snapshot.ts';
import { handler as statusHandler } from '../functions/status.ts';
import { handler as subscriptionsHandler } from '../functions/subscriptions.ts';
import { handler as sweepHandler } from '../functions/sweep.ts';
import { byQueue, type QueueName, QUEUES } from '../schemas/config/queues.ts';
import type { Env } from '../schemas/config/variables.ts';
import { startEventSource } from './aws/event-source.ts';
import { type LocalFunction, startLambda } from './aws/lambda/lambda.ts';
import { startSchedules } from './aws/schedules.ts';
import { EMULATION_LIMITS } from './limits.ts';
import { NAMES } from './names.ts';
import type { Closers } from './closers.ts';
import type { Storage } from './state/storage.ts';

/** Concurrent invocations of the function that reads a queue, at least the two that AWS requires. */
const CONCURRENT_BATCHES: Readonly<Record<QueueName, number>> = {
  // Only one sync of a projector runs at a time: the second invocation finds the lease taken and ends.
  ...byQueue(() => 2),
  urgent: 4,
  ordinary: 4,
  people: 4,
};

export type ComputeOptions = {
  /** File of the executions. */
  file: string;
  accessKeyId: string;
  timeScale: number;
  log: (entry: object) => void;
};

/**
 * Starts Lambda with the deployed functions, the pollers of the queues, and the schedules. Interrupted executions
 * resume before new work starts.
 */
export async function startCompute(
  env: Env,
  storage: Pick<Storage, 'sqs' | 'queues'>,
  options: ComputeOptions,
  closers: Closers,
): Promise<void> {
  const { sqs, queues } = storage;
  if (!env['AWS_ENDPOINT_URL_LAMBDA']) {
    const lambda = closers.add(
      await startLambda({ ...options, sqs, functions: localFunctions(queues.workflowDeadLetters) }),
    );
    env['AWS_ENDPOINT_URL_LAMBDA'] = lambda.url;
    lambda.resume();
  }
  const { timeScale, log } = options;
  const client = awsClient(LambdaClient, EMULATION_LIMITS);
  for (const name of QUEUES) {
    const { reader, batchSize } = READERS[name];
    const source = {
      queueUrl: queues[name],
      functionName: localName(reader),
      batchSize,
      maxConcurrency: CONCURRENT_BATCHES[name],
    };
    const { stop: stopSource } = startEventSource({ ...source, sqs, lambda: client, log });
    closers.onClose(stopSource);
  }
  const schedules = SCHEDULED.map((name) => {
    const { everySeconds } = FUNCTIONS[name];
    return { name, everySeconds, functionName: localName(name) };
  });
  const { stop } = startSchedules({ schedules, lambda: client, timeScale, log });
  closers.onClose(stop);
}

const localName = (name: FunctionName): string => functionName(NAMES.stage, name);

const HANDLERS: Readonly<Record<FunctionName, LocalFunction['handler']>> = {
  http: httpHandler,
  console: consoleHandler as LocalFunction['handler'],
  status: statusHandler as LocalFunction['handler'],
  subscriptions: subscriptionsHandler as LocalFunction['handler'],
  slack: slackHandler,
  inbound: inboundHandler,
  route: routeHandler,
  project: projectHandler,
  sweep: sweepHandler,
  evaluate: evaluateHandler,
  digest: digestHandler,
  snapshot: snapshotHandler,
  'incident-response': incidentResponse,
};

/**
 * Returns the deployed handlers with their settings.
 *
 * @param deadLetterQueueUrl for scheduled and durable functions: no caller or queue repeats their failed invocations
 */
export const localFunctions = (deadLetterQueueUrl: string): Record<string, LocalFunction> =>
  Object.fromEntries(
    FUNCTION_NAMES.map((name): [string, LocalFunction] => {
      const { timeoutSeconds, ...settings } = FUNCTIONS[name];
      return [
        localName(name),
        {
          handler: HANDLERS[name],
          timeoutSeconds,
          recursionAllowed: RECURSIVE.some((recursive) => recursive === name),
          ...('durable' in settings && { durable: settings.durable }),
          ...(('everySeconds' in settings || 'durable' in settings) && { deadLetterQueueUrl }),
        },
      ];
    }),
  );
