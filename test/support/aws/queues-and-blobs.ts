import type { AddressInfo } from 'node:net';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { isWakeQueue } from '../../../functions/assembly/resources.ts';
import { byQueue, type QueueName, QUEUES } from '../../../schemas/config/queues.ts';
import { clientOptions, type Endpoint } from './server.ts';

/** Starts SQS and S3 in memory: the program fauxqs, in this process, with these buckets. */
export async function startQueuesAndBlobs(...buckets: string[]): Promise<Endpoint> {
  const app = buildApp({ logger: false });
  const written = new Set<string>();
  // It ignores the condition of an upload, which S3 has.
  app.addHook('preHandler', async ({ method, url, headers }, reply) => {
    const path = new URL(url, 'http://s3').pathname;
    if (method === 'DELETE') written.delete(path);
    if (method !== 'PUT') return;
    if (headers['if-none-match'] === '*' && written.has(path))
      return reply.code(412).type('application/xml').send(EXISTS);
    written.add(path);
  });
  // An AWS client sends to the host of a queue's URL; this one is not on every machine an address.
  app.addHook('onSend', async (_request, _reply, payload) =>
    typeof payload === 'string' ? payload.replaceAll('http://sqs.us-east-1.localhost:', 'http://127.0.0.1:') : payload,
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  for (const bucket of buckets) await app.inject({ method: 'PUT', url: `/${bucket}` });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  return { url, close: () => app.close() };
}

const EXISTS =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>PreconditionFailed</Code>' +
  '<Message>At least one of the pre-conditions you specified did not hold</Message></Error>';

/** Numbers of messages by their state. */
const STATES = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
] as const;

export type FirebreakQueues = {
  urls: Record<QueueName, string>;
  /** Returns the number of messages that wait or are being processed. */
  pending(): Promise<number>;
  /** Returns the number of messages in all dead-letter queues. */
  dead(): Promise<number>;
};

/** Creates the queues as `platforms/aws/infra/` does, except for these numbers. */
export async function createQueues(
  endpoint: string,
  { visibilitySeconds, maxReceives }: { visibilitySeconds: number; maxReceives: number },
): Promise<FirebreakQueues> {
  const client = new SQSClient(clientOptions(endpoint));
  const create = async (name: string, Attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    return QueueUrl;
  };
  const VisibilityTimeout = String(visibilitySeconds);
  const deadLetters: string[] = [];
  const createFifo = async (name: string): Promise<string> => {
    deadLetters.push(await create(`${name}-dead.fifo`, { FifoQueue: 'true' }));
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:000000000000:${name}-dead.fifo`;
    return create(`${name}.fifo`, {
      FifoQueue: 'true',
      VisibilityTimeout,
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: maxReceives }),
    });
  };
  const createWake = (name: string) => create(name, { VisibilityTimeout });
  const urls = new Map<QueueName, string>();
  for (const name of QUEUES) urls.set(name, await (isWakeQueue(name) ? createWake : createFifo)(`firebreak-${name}`));
  const count = async (queues: Iterable<string>, ...AttributeNames: (typeof STATES)[number][]): Promise<number> => {
    const counts = Array.from(queues, async (QueueUrl) => {
      const { Attributes = {} } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
      return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
    });
    return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
  };
  return {
    urls: byQueue((name) => urls.get(name) ?? ''),
    pending: () => count(urls.values(), ...STATES),
    dead: () => count(deadLetters, 'ApproximateNumberOfMessages'),
  };
}
