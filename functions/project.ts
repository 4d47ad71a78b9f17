import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps } from '../aws/deps.ts';
import { project } from '../jobs/queues/project.ts';

/** Brings the targets that a batch of SQS messages names up to date. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> =>
  project(deps(), event, context);
