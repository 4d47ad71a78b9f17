import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { deps } from '../aws/deps.ts';
import { route } from '../jobs/queues/route.ts';

/** Admits the alerts of a batch of SQS messages. */
export const handler = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => route(deps(), event, context);
