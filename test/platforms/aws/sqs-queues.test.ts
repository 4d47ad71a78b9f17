import { SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { vi } from 'vitest';
import { sqsHandler } from '../../../platforms/aws/sqs-consumer.ts';
import { SqsQueues } from '../../../platforms/aws/sqs-queues.ts';
import { startSqsEventSource } from '../../support/sqs-event-source.ts';
import { MAX_DELIVERIES, type OpenQueues, queuesConformance } from '../queues-conformance.ts';

/** Longer than all that a test advances the clock while messages are being processed. */
const VISIBILITY_SECONDS = 12 * 3600;

const NAMES = { ordered: 'ordered.fifo', plain: 'plain' } as const;
const DEAD = { ordered: 'ordered-dead.fifo', plain: 'plain-dead' } as const;

async function open(): Promise<OpenQueues> {
  // The stand-in looks at this clock every 20 milliseconds of real time.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 23) });
  const server = await startFauxqs({ port: 0, logger: false });
  const create = (name: string, attributes: Record<string, string>) =>
    server.createQueue(name, { attributes: { ...attributes, ...(name.endsWith('.fifo') && { FifoQueue: 'true' }) } });
  const urls = Object.fromEntries(
    (['ordered', 'plain'] as const).map((queue) => {
      const { queueArn: deadLetterTargetArn } = create(DEAD[queue], {});
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: MAX_DELIVERIES });
      const { queueUrl } = create(NAMES[queue], { VisibilityTimeout: String(VISIBILITY_SECONDS), RedrivePolicy });
      return [queue, queueUrl];
    }),
  );
  const credentials = { accessKeyId: 'conformance', secretAccessKey: 'not checked' };
  const client = new SQSClient({ endpoint: server.address, region: 'us-east-1', credentials });
  const stops: (() => Promise<void>)[] = [];
  let settled = 0;
  return {
    queues: new SqsQueues(client, urls),
    consume: (queue, { consumer, batchSize, concurrency }) => {
      const options = {
        client,
        urls: Object.values(urls),
        onRefusal: (error: unknown) => {
          throw error;
        },
      };
      const { stop } = startSqsEventSource({
        client,
        url: urls[queue] ?? '',
        handler: sqsHandler(
          () => consumer,
          () => options,
        ),
        batchSize,
        concurrency,
        onSettled: () => (settled += 1),
      });
      stops.push(stop);
      return { stop };
    },
    now: () => Date.now(),
    advance: (milliseconds) => vi.setSystemTime(Date.now() + milliseconds),
    settled: () => settled,
    dead: async (queue) => server.inspectQueue(DEAD[queue])?.messages.ready.length ?? 0,
    close: async () => {
      await Promise.all(stops.map((stop) => stop()));
      client.destroy();
      await server.stop();
      vi.useRealTimers();
    },
  };
}

/**
 * fauxqs remembers IDs per queue, without `DeduplicationScope`, receives one message of a group at once, and refuses
 * characters outside of the first plane.
 */
queuesConformance({
  name: 'SQS',
  open,
  retryMs: VISIBILITY_SECONDS * 1000,
  runs: 3,
  gaps: ['ids of groups', 'batches of one group', 'characters of all planes'],
});
