import { LambdaClient } from '@aws-sdk/client-lambda';
import type { QueueDeps } from '../../domain/ports/deps.ts';
import { awsClient, SHARED_LIMITS } from '../clients/client.ts';
import { sqsInboundQueue } from '../clients/inbound-queue.ts';
import { sqsQueueStats } from '../clients/queue-stats.ts';
import { sqsSignalQueue } from '../clients/queue.ts';
import { sqsRedelivery } from '../clients/redelivery.ts';
import {
  lambdaCanaryRuns,
  lambdaDrillRuns,
  lambdaEngine,
  lambdaExperimentRuns,
  lambdaFlagRuns,
  lambdaWatchRuns,
} from '../engine.ts';
import type { Environment } from '../secrets/env.ts';
import type { Shared } from './shared.ts';

/** Creates the queues, and the engines of all workflows, which share one function. */
export function queueDeps(env: Environment, { system: { blobs }, sqs, queues }: Shared): QueueDeps {
  const client = awsClient(LambdaClient, SHARED_LIMITS);
  const workflow = { functionName: env.FIREBREAK_WORKFLOW_FUNCTION, qualifier: env.FIREBREAK_WORKFLOW_QUALIFIER };
  return {
    queue: sqsSignalQueue(sqs, queues, blobs),
    inbound: sqsInboundQueue(sqs, queues.people),
    redelivery: sqsRedelivery(sqs, Object.values(queues)),
    queueStats: sqsQueueStats(sqs, queues),
    engine: lambdaEngine(client, workflow, env.FIREBREAK_STAGE),
    drillRuns: lambdaDrillRuns(client, workflow, env.FIREBREAK_STAGE),
    canaryRuns: lambdaCanaryRuns(client, workflow, env.FIREBREAK_STAGE),
    watchRuns: lambdaWatchRuns(client, workflow, env.FIREBREAK_STAGE),
    flagRuns: lambdaFlagRuns(client, workflow, env.FIREBREAK_STAGE),
    experimentRuns: lambdaExperimentRuns(client, workflow, env.FIREBREAK_STAGE),
  };
}
