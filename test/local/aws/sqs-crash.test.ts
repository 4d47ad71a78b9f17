import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSqs } from '../../../local/aws/sqs/server.ts';

const ACCESS_KEY = 'AKIATEST';
const SERVER = new URL('../../../local/aws/sqs/server.ts', import.meta.url).href;

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sqs-'));
  file = join(dir, 'sqs.sqlite');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a clean restart on another port keeps everything', async () => {
  const before = await startSqs({ file, accessKeyId: ACCESS_KEY });
  const sqs = clientOf(before.url);
  const first = await createQueue(sqs, { VisibilityTimeout: '600' });
  await send(sqs, first, 'a', 'a1');
  await send(sqs, first, 'a', 'a2');
  expect(await receive(sqs, first)).toMatchObject([{ Body: 'a1' }, { Body: 'a2' }]);
  await send(sqs, first, 'b', 'b1');
  sqs.destroy();
  await before.close();

  const after = await startSqs({ file, accessKeyId: ACCESS_KEY });
  const again = clientOf(after.url);
  const { QueueUrl } = await again.send(new GetQueueUrlCommand({ QueueName: 'signals.fifo' }));
  expect(QueueUrl).toBe(`${after.url}/000000000000/signals.fifo`);
  // Messages in flight are available at once, in group order, with their receive counts. The order of groups is
  // undefined.
  const messages = await receive(again, QueueUrl ?? '');
  const ofGroup = (id: string) =>
    messages
      .filter(({ Attributes }) => Attributes?.MessageGroupId === id)
      .map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]);
  expect({ a: ofGroup('a'), b: ofGroup('b') }).toEqual({
    a: [
      ['a1', '2'],
      ['a2', '2'],
    ],
    b: [['b1', '1']],
  });
  again.destroy();
  await after.close();
});

test('stopping disconnects long polls instead of waiting for them', async () => {
  const endpoint = await startSqs({ file, accessKeyId: ACCESS_KEY });
  const sqs = clientOf(endpoint.url);
  const queue = await createQueue(sqs, {});
  const poll = receive(sqs, queue, 20).catch(() => 'hung up');
  await send(sqs, queue, 'a', 'for the poll');
  await poll;
  const second = receive(sqs, queue, 20).catch(() => 'hung up');
  await sqs.send(new GetQueueUrlCommand({ QueueName: 'signals.fifo' }));
  await endpoint.close();
  expect(await second).toBe('hung up');
  sqs.destroy();
});

test('a file of another version is refused with instructions', async () => {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await expect(startSqs({ file, accessKeyId: ACCESS_KEY })).rejects.toThrow(
    `${file} was written by a newer version of Firebreak (format 99; this version knows 1). Start that version, or restore the backup from before the upgrade`,
  );
});

test('kill -9 under load: no acknowledged send is lost, no delete is undone, nothing stays in flight', async () => {
  const seen = { sent: new Set<string>(), deleteAsked: new Set<string>(), deleted: new Set<string>() };
  for (const killAfter of [40, 150, 400]) {
    const { child, url } = await startChild(file);
    const sqs = clientOf(url);
    const queue = await createQueue(sqs, { VisibilityTimeout: '43200' });
    const goal = seen.sent.size + killAfter;
    const load = [
      ...Array.from({ length: 8 }, (_, i) => keepSending(sqs, queue, `group-${i}`, seen.sent)),
      ...Array.from({ length: 3 }, () => keepDeletingHalf(sqs, queue, seen)),
      killWhen(child, () => seen.sent.size >= goal),
    ];
    await Promise.all(load);
    sqs.destroy();
  }

  const { child, url } = await startChild(file);
  const sqs = clientOf(url);
  const left = await drain(sqs, `${url}/000000000000/signals.fifo`);
  child.kill('SIGKILL');
  sqs.destroy();
  expect(seen.deleted.size).toBeGreaterThan(0);
  expect([...seen.sent].filter((body) => !left.has(body) && !seen.deleteAsked.has(body))).toEqual([]);
  expect([...seen.deleted].filter((body) => left.has(body))).toEqual([]);
  // Received by a killed process, not deleted, and hidden for twelve hours: now available.
  expect([...left.values()].some((message) => Number(message.Attributes?.ApproximateReceiveCount) > 1)).toBe(true);
});

/** Sends until the endpoint is down. Records a body after its send was acknowledged. */
async function keepSending(sqs: SQSClient, queue: string, group: string, sent: Set<string>): Promise<void> {
  for (let lives = true; lives;) {
    const body = randomUUID();
    lives = await send(sqs, queue, group, body).then(
      () => true,
      () => false,
    );
    if (lives) sent.add(body);
  }
}

/** Receives until the endpoint is down, and deletes every other message. The rest stays in flight. */
async function keepDeletingHalf(
  sqs: SQSClient,
  queue: string,
  { deleteAsked, deleted }: { deleteAsked: Set<string>; deleted: Set<string> },
): Promise<void> {
  try {
    for (;;) {
      for (const [i, { Body = '', ReceiptHandle }] of (await receive(sqs, queue, 20)).entries()) {
        if (i % 2 === 1) continue;
        deleteAsked.add(Body);
        await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle }));
        deleted.add(Body);
      }
    }
  } catch {
    // The endpoint is down.
  }
}

async function killWhen(child: ChildProcess, due: () => boolean): Promise<void> {
  const exited = once(child, 'exit');
  while (!due()) await new Promise((resolve) => setTimeout(resolve, 1));
  child.kill('SIGKILL');
  await exited;
}

/** Receives all messages, each exactly once, by body. */
async function drain(sqs: SQSClient, queue: string): Promise<Map<string, Message>> {
  const found = new Map<string, Message>();
  for (;;) {
    const messages = await receive(sqs, queue);
    if (messages.length === 0) return found;
    for (const message of messages) {
      expect(found.has(message.Body ?? '')).toBe(false);
      found.set(message.Body ?? '', message);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: message.ReceiptHandle }));
    }
  }
}

/** Starts the endpoint in its own process. */
async function startChild(database: string): Promise<{ child: ChildProcess; url: string }> {
  const script = `
    const { startSqs } = await import(${JSON.stringify(SERVER)});
    const { url } = await startSqs({ file: ${JSON.stringify(database)}, accessKeyId: ${JSON.stringify(ACCESS_KEY)} });
    console.log(url);
    process.stdin.resume().on('end', () => process.exit()); // never outlives the test`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, url };
}

function clientOf(endpoint: string): SQSClient {
  const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: 'x' };
  return new SQSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

async function createQueue(sqs: SQSClient, attributes: Record<string, string>): Promise<string> {
  const Attributes = { FifoQueue: 'true', ContentBasedDeduplication: 'true', ...attributes };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'signals.fifo', Attributes }));
  return QueueUrl ?? '';
}

const send = (sqs: SQSClient, queue: string, group: string, body: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: body, MessageGroupId: group }));

const receive = async (sqs: SQSClient, queue: string, WaitTimeSeconds = 0): Promise<Message[]> => {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queue,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
      WaitTimeSeconds,
    }),
  );
  return Messages ?? [];
};
