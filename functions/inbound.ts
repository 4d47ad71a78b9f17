import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps } from '../aws/deps.ts';
import { processInbound } from '../jobs/queues/process-inbound.ts';

/** Processes requests of people, which Slack and PagerDuty delivered, from a batch of SQS messages. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  processInbound(deps(), event, context);
