import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { slackDeps } from '../../aws/slack-deps.ts';
import { slackApp } from '../../slack/app.ts';
import type { Received } from '../../slack/requests/http.ts';
import { startSqs } from '../../local/aws/sqs/server.ts';
import { startSsm } from '../../local/aws/ssm/server.ts';
import { byQueueVariable } from '../../schemas/config/queues.ts';
import { InboundEvent } from '../../schemas/messages/inbound-events.ts';
import { createHmac } from 'node:crypto';
import { COMMAND, FORM, SECRET, shown } from '../slack/support.ts';

/**
 * Dependencies built from the environment. The table and the bucket accept connections and never respond, as in an
 * outage; secrets and queues work.
 */

const KEY = 'localtest0000000000000000000000';
let folder: string;
let away: Server;
const closing: (() => Promise<void>)[] = [];
let queue: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-slack-'));
  away = createServer(() => undefined).listen(0, '127.0.0.1');
  await new Promise((resolve) => away.once('listening', resolve));
  const silent = `http://127.0.0.1:${(away.address() as AddressInfo).port}`;
  const ssm = await startSsm({
    accessKeyId: KEY,
    parameters: () => ({ '/firebreak/test/slack-signing': JSON.stringify({ SLACK_SIGNING_SECRET: SECRET }) }),
  });
  const sqs = await startSqs({ file: join(folder, 'sqs.sqlite'), accessKeyId: KEY, accountId: '000000000000' });
  closing.push(
    () => ssm.close(),
    () => sqs.close(),
  );
  const env = {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: KEY,
    AWS_SECRET_ACCESS_KEY: 'not-used',
    AWS_ENDPOINT_URL_SSM: ssm.url,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_DYNAMODB: silent,
    AWS_ENDPOINT_URL_S3: silent,
    FIREBREAK_STAGE: 'test',
    FIREBREAK_TABLE: 'firebreak-test',
    FIREBREAK_BUCKET: 'firebreak-test',
    FIREBREAK_SNAPSHOT_BUCKET: 'firebreak-test',
    FIREBREAK_WORKFLOW_FUNCTION: 'firebreak-test-incident-response',
    FIREBREAK_WORKFLOW_QUALIFIER: 'live',
    FIREBREAK_SECRETS_PATH: '/firebreak/test',
    FIREBREAK_SECRETS_GRANTS: 'slack,slack-signing',
    FIREBREAK_SECRETS_KEY: Buffer.alloc(32).toString('base64'),
    LOG_LEVEL: 'silent',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { QueueUrl = '' } = await new SQSClient({}).send(
    new CreateQueueCommand({ QueueName: 'people.fifo', Attributes: { FifoQueue: 'true' } }),
  );
  queue = QueueUrl;
  for (const [name, value] of Object.entries(byQueueVariable(() => queue))) vi.stubEnv(name, value);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  away.closeAllConnections();
  away.close();
  for (const close of closing) await close();
  await rm(folder, { recursive: true, force: true });
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

test('commands are answered and passed on while the table and the configuration do not respond', async () => {
  const app = slackApp(slackDeps());
  const listed = await app(signed('list', '1.1.a'));
  expect(listed.status).toBe(200);
  expect(shown(listed)).toContain('can take a while');
  const acknowledged = await app(signed('ack', '1.1.b'));
  expect(shown(acknowledged)).toContain('can take a while');
  await app(signed('ack', '1.1.b')); // a redelivery by Slack
  await app(signed('note \uFFFE', '1.1.c')); // SQS refuses this character

  const { Messages = [] } = await new SQSClient({}).send(
    new ReceiveMessageCommand({ QueueUrl: queue, MaxNumberOfMessages: 10 }),
  );
  const event = Messages.map(({ Body }) => InboundEvent.parse(JSON.parse(Body ?? '')));
  expect(event).toMatchObject([
    { key: 'command:1.1.a', request: { command: { text: 'list' } } },
    { key: 'command:1.1.b', request: { command: { text: 'ack' } } },
    { key: 'command:1.1.c', request: { command: { text: 'note \uFFFE' } } },
  ]);
});
