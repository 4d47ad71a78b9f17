import { CreateTableCommand, type DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { isWakeQueue, QUEUE, TABLE, WAKE_QUEUE } from '../../aws/resources.ts';
import { type QueueName, QUEUES } from '../../schemas/config/queues.ts';

/** Account of all emulated resources. */
export const ACCOUNT = '000000000000';

/** Creates what `sst deploy` creates on AWS; existing resources are kept. */
export async function createTable(client: DynamoDBClient, name: string): Promise<void> {
  const { keys, index } = TABLE;
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [keys.hash, keys.range, index.hash, index.range].map((AttributeName) => ({
          AttributeName,
          AttributeType: 'S' as const,
        })),
        KeySchema: [
          { AttributeName: keys.hash, KeyType: 'HASH' },
          { AttributeName: keys.range, KeyType: 'RANGE' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: index.name,
            KeySchema: [
              { AttributeName: index.hash, KeyType: 'HASH' },
              { AttributeName: index.range, KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

export async function createBucket(client: S3Client, name: string): Promise<void> {
  await client.send(new CreateBucketCommand({ Bucket: name }));
}

export type Queues = Record<QueueName, string> & { workflowDeadLetters: string };

/**
 * Creates the queues that invoke a function, with dead-letter queues for those of signals and people, and a queue for
 * failed workflow invocations. URLs change with each start.
 */
export async function createQueues(client: SQSClient): Promise<Queues> {
  const retention = String(QUEUE.deadLetterDays * 24 * 3600);
  const create = async (name: string, attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    if (QueueUrl === undefined) throw new Error(`SQS created the queue ${name} but returned no URL`);
    return QueueUrl;
  };
  const createFifoQueue = async (name: string): Promise<string> => {
    await create(`${name}-dead.fifo`, { FifoQueue: 'true', MessageRetentionPeriod: retention });
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}-dead.fifo`;
    return create(`${name}.fifo`, {
      FifoQueue: 'true',
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
      VisibilityTimeout: String(QUEUE.visibilitySeconds),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: QUEUE.maxReceives }),
    });
  };
  const createWakeQueue = (name: string) => create(name, { VisibilityTimeout: String(WAKE_QUEUE.visibilitySeconds) });
  const urls: [QueueName, string][] = [];
  for (const name of QUEUES)
    urls.push([name, await (isWakeQueue(name) ? createWakeQueue : createFifoQueue)(`firebreak-${name}`)]);
  return {
    ...(Object.fromEntries(urls) as Record<QueueName, string>),
    workflowDeadLetters: await create('firebreak-workflow-dead', { MessageRetentionPeriod: retention }),
  };
}
