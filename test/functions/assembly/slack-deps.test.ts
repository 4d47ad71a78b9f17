import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { slackParts } from '../../../functions/assembly/slack-aws.ts';
import { slackDeps } from '../../../functions/assembly/slack-deps.ts';
import { slackApp } from '../../../entrances/slack/app.ts';
import type { Received } from '../../../entrances/slack/requests/http.ts';
import { startQueuesAndBlobs } from '../../support/aws/queues-and-blobs.ts';
import { resourcesText } from '../../support/aws/resources.ts';
import { AWS_ENV } from '../../support/aws/server.ts';
import { startSsm } from '../../support/aws/ssm.ts';
import { byQueue } from '../../../schemas/config/queues.ts';
import { InboundEvent } from '../../../schemas/messages/inbound-events.ts';
import { createHmac } from 'node:crypto';
import { storeOpenIncidents } from '../../../packages/lab/bench/stored-incidents.ts';
import { openTable } from '../../core/stores/stores.ts';
import { COMMAND, FORM, SECRET, shown } from '../../entrances/slack/support.ts';

/**
 * Dependencies built from the environment. The table and the bucket accept connections and never respond, as in an
 * outage; secrets and queues work.
 */

let away: Server;
const closing: (() => Promise<void>)[] = [];
let queue: string;

beforeAll(async () => {
  away = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => away.once('listening', resolve));
  const silent = `http://127.0.0.1:${(away.address() as AddressInfo).port}`;
  const signing = JSON.stringify({ SLACK_SIGNING_SECRET: SECRET });
  const ssm = await startSsm(() => ({ '/firebreak/test/slack-signing': signing }));
  const sqs = await startQueuesAndBlobs();
  closing.push(
    () => ssm.close(),
    () => sqs.close(),
  );
  const env = {
    ...AWS_ENV,
    AWS_ENDPOINT_URL_SSM: ssm.url,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_DYNAMODB: silent,
    AWS_ENDPOINT_URL_S3: silent,
    LOG_LEVEL: 'silent',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { QueueUrl = '' } = await new SQSClient({}).send(
    new CreateQueueCommand({ QueueName: 'people.fifo', Attributes: { FifoQueue: 'true' } }),
  );
  queue = QueueUrl;
  vi.stubEnv(
    'FIREBREAK_RESOURCES',
    resourcesText({ queues: byQueue(() => queue), grants: ['slack', 'slack-signing'] }),
  );
});

afterAll(async () => {
  vi.unstubAllEnvs();
  away.closeAllConnections();
  away.close();
  for (const close of closing) await close();
});

function signed(text: string, trigger: string): Received {
  const body = new URLSearchParams({ ...COMMAND, command: '/incident', text, trigger_id: trigger }).toString();
  const at = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', SECRET).update(`v0:${at}:${body}`).digest('hex');
  return {
    method: 'POST',
    path: '/integrations/slack/commands',
    headers: { ...FORM, 'x-slack-signature': `v0=${signature}`, 'x-slack-request-timestamp': at },
    body: Buffer.from(body),
  };
}

/** Receives and deletes what is in the queue. */
async function receiveAll(): Promise<InboundEvent[]> {
  const sqs = new SQSClient({});
  const events: InboundEvent[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return events;
    for (const { Body = '', ReceiptHandle } of Messages) {
      events.push(InboundEvent.parse(JSON.parse(Body)));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle }));
    }
  }
}

test('of many open incidents, the newest are read while Slack waits', async () => {
  const stores = await openTable();
  const { store, blobs, clock } = stores;
  const services = Array.from({ length: 250 }, (_, n) => `service-${n}`);
  const { busy } = await storeOpenIncidents(stores.table, services, { entries: 1, now: clock.now() });
  const {
    platform: { queues, secrets },
    log,
  } = slackParts();
  stores.reads();
  const open = await slackDeps({ platform: { store, blobs, queues, secrets }, clock, log }).openIncidents();
  expect([open.length, open[0]?.id, stores.reads().items]).toEqual([200, busy, 400]);
  await stores.close();
});

test('commands are answered and passed on while the table and the configuration do not respond', async () => {
  const app = slackApp(slackDeps(slackParts()));
  const listed = await app(signed('list', '1.1.a'));
  expect(listed.status).toBe(200);
  expect(shown(listed)).toContain('can take a while');
  const acknowledged = await app(signed('ack', '1.1.b'));
  expect(shown(acknowledged)).toContain('can take a while');
  await app(signed('ack', '1.1.b')); // a redelivery by Slack
  await app(signed('note \uFFFE', '1.1.c')); // SQS refuses this character

  expect(await receiveAll()).toMatchObject([
    { key: 'command:1.1.a', request: { command: { text: 'list' } } },
    { key: 'command:1.1.b', request: { command: { text: 'ack' } } },
    { key: 'command:1.1.c', request: { command: { text: 'note \uFFFE' } } },
  ]);
});
