import { LambdaClient } from '@aws-sdk/client-lambda';
import { awsClient } from '../aws/clients/client.ts';
import {
  DIGEST_TIMEOUT_SECONDS,
  EVALUATE_TIMEOUT_SECONDS,
  HTTP_TIMEOUT_SECONDS,
  PEOPLE,
  PROJECT,
  READERS,
  RECURSIVE,
  ROUTER_TIMEOUT_SECONDS,
  SCHEDULES,
  SLACK_TIMEOUT_SECONDS,
  SWEEP_TIMEOUT_SECONDS,
  WORKFLOW,
} from '../aws/resources.ts';
import { handler as digestHandler } from '../functions/digest.ts';
import { handler as evaluateHandler } from '../functions/evaluate.ts';
import { handler as hearHandler } from '../functions/hear.ts';
import { handler as httpHandler } from '../functions/http.ts';
import { handler as incidentResponse } from '../functions/incident-response.ts';
import { handler as projectHandler } from '../functions/project.ts';
import { handler as routeHandler } from '../functions/route.ts';
import { handler as slackHandler } from '../functions/slack.ts';
import { handler as sweepHandler } from '../functions/sweep.ts';
import { byQueue, type QueueName, QUEUES } from '../schemas/config/queues.ts';
import type { Env } from '../schemas/config/variables.ts';
import { startEventSource } from './aws/event-source.ts';
import { type LocalFunction, startLambda } from './aws/lambda/lambda.ts';
import { startSchedules } from './aws/schedules.ts';
import { EMULATION_LIMITS } from './limits.ts';
import { NAMES } from './names.ts';
import type { Opened } from './config/opened.ts';
import type { Storage } from './state/storage.ts';

/** Number of concurrent batches of each queue, at least the two that AWS requires. */
const AT_ONCE: Readonly<Record<QueueName, number>> = {
  // Of a projector, one works, the other finds the lease taken.
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
  opened: Opened,
): Promise<void> {
  const { sqs, queues } = storage;
  if (!env['AWS_ENDPOINT_URL_LAMBDA']) {
    const lambda = opened.add(
      await startLambda({ ...options, sqs, functions: localFunctions(queues.workflowDeadLetters) }),
    );
    env['AWS_ENDPOINT_URL_LAMBDA'] = lambda.url;
    lambda.resume();
  }
  const { timeScale, log } = options;
  const client = awsClient(LambdaClient, EMULATION_LIMITS);
  for (const name of QUEUES) {
    const { reader, batchSize } = READERS[name];
    const source = { queueUrl: queues[name], functionName: NAMES[reader], batchSize, maxConcurrency: AT_ONCE[name] };
    const { stop: stopSource } = startEventSource({ ...source, sqs, lambda: client, log });
    opened.onClose(stopSource);
  }
  const schedules = SCHEDULES.map(({ name, everySeconds }) => ({ name, everySeconds, functionName: NAMES[name] }));
  const { stop } = startSchedules({ schedules, lambda: client, timeScale, log });
  opened.onClose(stop);
}

/** The deployed handlers, as configured in `infra/functions.ts`. */
export function localFunctions(deadLetterQueueUrl: string): Record<string, LocalFunction> {
  const recursive = new Set<string>(RECURSIVE.map((name) => NAMES[name]));
  return Object.fromEntries(
    Object.entries(handlers(deadLetterQueueUrl)).map(([name, one]) => [
      name,
      { ...one, recursionAllowed: recursive.has(name) },
    ]),
  );
}

const handlers = (deadLetterQueueUrl: string): Record<string, LocalFunction> => ({
  [NAMES.http]: { handler: httpHandler, timeoutSeconds: HTTP_TIMEOUT_SECONDS },
  [NAMES.slack]: { handler: slackHandler, timeoutSeconds: SLACK_TIMEOUT_SECONDS },
  [NAMES.hear]: { handler: hearHandler, timeoutSeconds: PEOPLE.timeoutSeconds },
  [NAMES.route]: { handler: routeHandler, timeoutSeconds: ROUTER_TIMEOUT_SECONDS },
  [NAMES.project]: { handler: projectHandler, timeoutSeconds: PROJECT.timeoutSeconds },
  [NAMES.sweep]: { handler: sweepHandler, timeoutSeconds: SWEEP_TIMEOUT_SECONDS, deadLetterQueueUrl },
  [NAMES.evaluate]: { handler: evaluateHandler, timeoutSeconds: EVALUATE_TIMEOUT_SECONDS, deadLetterQueueUrl },
  [NAMES.digest]: { handler: digestHandler, timeoutSeconds: DIGEST_TIMEOUT_SECONDS, deadLetterQueueUrl },
  [NAMES.workflow]: {
    handler: incidentResponse,
    timeoutSeconds: WORKFLOW.invocationTimeoutSeconds,
    deadLetterQueueUrl,
    durable: { executionTimeoutSeconds: WORKFLOW.executionTimeoutSeconds, retentionDays: WORKFLOW.retentionDays },
  },
});
