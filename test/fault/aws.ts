import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListQueuesCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startDynamoDb } from '../../local/aws/dynamodb/start.ts';
import { startSqs } from '../../local/aws/sqs/server.ts';
import { faultProxy, type InjectedFault } from '../support/fault-proxy.ts';
import { RATES } from './faults.ts';

/** DynamoDB and SQS in this process, each behind a proxy that injects the faults of an AWS disruption. */
export type FaultyAws = {
  /** The environment variables with which the product uses them. */
  env: Record<string, string>;
  /** Injected faults such as `dynamodb lost-answer`, in order. */
  injected(): string[];
  /**
   * Sets the seconds after which undeleted messages become visible again. The default of two minutes is too long for a
   * test.
   */
  comeAgainAfter(seconds: number): Promise<void>;
  /** Stops injecting faults. */
  heal(): void;
  close(): Promise<void>;
};

const accessKeyId = 'fault-test';
const secretAccessKey = 'not checked';

export async function startFaultyAws(seed: number): Promise<FaultyAws> {
  const dir = await mkdtemp(join(tmpdir(), 'firebreak-fault-'));
  const database = await startDynamoDb({ file: join(dir, 'dynamodb.sqlite'), accessKeyId });
  const queues = await startSqs({ file: join(dir, 'sqs.sqlite'), accessKeyId });
  const dynamodb = await faultProxy({ upstream: database.url, service: 'dynamodb', seed, rates: RATES.dynamodb });
  const sqs = await faultProxy({ upstream: queues.url, service: 'sqs', seed, rates: RATES.sqs });
  const direct = new SQSClient({
    endpoint: queues.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  });
  return {
    env: {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
    },
    injected: () => [...told('dynamodb', dynamodb.log), ...told('sqs', sqs.log)],
    comeAgainAfter: async (seconds) => {
      const { QueueUrls = [] } = await direct.send(new ListQueuesCommand({}));
      for (const QueueUrl of QueueUrls) {
        const Attributes = { VisibilityTimeout: String(seconds) };
        await direct.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
      }
    },
    heal: () => {
      dynamodb.heal();
      sqs.heal();
    },
    close: async () => {
      direct.destroy();
      await Promise.all([dynamodb.close(), sqs.close()]);
      await Promise.all([database.close(), queues.close()]);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const told = (service: string, log: readonly InjectedFault[]): string[] =>
  log.map(({ fault }) => `${service} ${fault}`);
