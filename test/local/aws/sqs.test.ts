import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
  type Message,
  type QueueAttributeName,
  type ReceiveMessageCommandInput,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSqs } from '../../../local/aws/sqs/server.ts';

const ACCESS_KEY = 'AKIATEST';
const MIB = 1_048_576;

/**
 * Runs one suite with two endpoints, so that the common behavior doesn't depend on one interpretation of the
 * documentation.
 */
const endpoints = [
  {
    name: 'ours',
    start: () => startSqs({ file: ':memory:', accessKeyId: ACCESS_KEY }),
  },
  {
    name: 'fauxqs',
    start: async () => {
      const server = await startFauxqs({ port: 0, logger: false });
      return { url: server.address, close: () => server.stop() };
    },
  },
];

describe.each(endpoints)('SQS behavior of $name', ({ start }) => {
  const q = queuesOf(start);

  test('a queue is found by name, listed by prefix, and missing after its deletion', async () => {
    const prefix = randomUUID();
    const url = await q.create(`${prefix}-a`);
    await q.create(`${prefix}-b`);
    const found = await q.client.send(new GetQueueUrlCommand({ QueueName: `${prefix}-a` }));
    expect(found.QueueUrl).toBe(url);
    const first = await q.client.send(new ListQueuesCommand({ QueueNamePrefix: prefix, MaxResults: 1 }));
    const second = await q.client.send(
      new ListQueuesCommand({ QueueNamePrefix: prefix, MaxResults: 1, NextToken: first.NextToken }),
    );
    expect([...(first.QueueUrls ?? []), ...(second.QueueUrls ?? [])].map(nameOf)).toEqual([
      `${prefix}-a`,
      `${prefix}-b`,
    ]);
    await q.client.send(new DeleteQueueCommand({ QueueUrl: url }));
    expect(await refusal(q.client.send(new GetQueueUrlCommand({ QueueName: `${prefix}-a` })))).toBe('NonExistentQueue');
    expect(await refusal(q.send(url, 'anyone?'))).toBe('NonExistentQueue');
  });

  test('creating a queue again succeeds with the same attributes and is refused with others', async () => {
    const name = randomUUID();
    const url = await q.create(name, { VisibilityTimeout: '7' });
    expect(await q.create(name, { VisibilityTimeout: '7' })).toBe(url);
    expect(await q.create(name)).toBe(url);
    // AWS's code is QueueAlreadyExists, its exception QueueNameExists.
    expect(await refusal(q.create(name, { VisibilityTimeout: '8' }))).toMatch(/^Queue(AlreadyExists|NameExists)$/);
  });

  test("attributes have AWS's defaults, can be set, and refuse values out of range", async () => {
    const name = randomUUID();
    const url = await q.create(name);
    expect(await q.attributes(url, 'All')).toMatchObject({
      QueueArn: `arn:aws:sqs:us-east-1:000000000000:${name}`,
      DelaySeconds: '0',
      MaximumMessageSize: String(MIB),
      MessageRetentionPeriod: '345600',
      ReceiveMessageWaitTimeSeconds: '0',
      VisibilityTimeout: '30',
      ApproximateNumberOfMessages: '0',
    });
    await q.client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { VisibilityTimeout: '5' } }));
    expect(await q.attributes(url, 'VisibilityTimeout')).toEqual({ VisibilityTimeout: '5' });
    const tooLong = new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { VisibilityTimeout: '43201' } });
    expect(await refusal(q.client.send(tooLong))).toBe('InvalidAttributeValue');
  });

  test('a message has its attributes and digests, and is not delivered again after its deletion', async () => {
    const url = await q.create();
    const sent = await q.send(url, 'message-1', {
      MessageAttributes: { MyAttribute: { DataType: 'String', StringValue: 'foobar' } },
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-5759e988-bd862e3f' } },
    });
    // Both digests are AWS's own results for these values.
    expect(sent.MD5OfMessageBody).toBe('3d6b824fd8c1520e9a047d21fee6fb1f');
    expect(sent.MD5OfMessageAttributes).toBe('adb59cd4678ea5a855436b949cd07ab6');
    const [message] = await q.receive(url, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'message-1',
      MD5OfMessageAttributes: 'adb59cd4678ea5a855436b949cd07ab6',
      MessageAttributes: { MyAttribute: { DataType: 'String', StringValue: 'foobar' } },
      Attributes: { ApproximateReceiveCount: '1' },
    });
    expect(Number(message?.Attributes?.SentTimestamp)).toBeGreaterThan(1_700_000_000_000);
    await q.delete(url, message);
    await q.delete(url, message); // a repeat is no error
    expect(await q.attributes(url, 'ApproximateNumberOfMessagesNotVisible')).toEqual({
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  test('binary attributes are returned unchanged, and a receiver can request single attributes', async () => {
    const url = await q.create();
    const bytes = Uint8Array.from([0, 255, 1, 128]);
    await q.send(url, 'with attributes', {
      MessageAttributes: {
        'trace.id': { DataType: 'String', StringValue: 'abc' },
        'trace.raw': { DataType: 'Binary.gzip', BinaryValue: bytes },
        count: { DataType: 'Number', StringValue: '3' },
      },
    });
    const [some] = await q.receive(url, { MessageAttributeNames: ['trace.*'] });
    expect(Object.keys(some?.MessageAttributes ?? {})).toEqual(['trace.id', 'trace.raw']);
    expect(Buffer.from(some?.MessageAttributes?.['trace.raw']?.BinaryValue ?? [])).toEqual(Buffer.from(bytes));
  });

  test('a received message is hidden until its visibility timeout, which wakes a waiting poll', async () => {
    const url = await q.create();
    await q.send(url, 'once more');
    expect(await q.receive(url, { VisibilityTimeout: 1 })).toHaveLength(1);
    expect(await q.receive(url)).toEqual([]);
    const [again] = await q.receive(url, { WaitTimeSeconds: 20, MessageSystemAttributeNames: ['All'] });
    expect(again).toMatchObject({ Body: 'once more', Attributes: { ApproximateReceiveCount: '2' } });
  });

  test('a visibility timeout of 0 releases the message at once', async () => {
    const url = await q.create();
    await q.send(url, 'not mine');
    const [message] = await q.receive(url);
    await q.client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: url,
        ReceiptHandle: message?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    expect(await bodies(q.receive(url))).toEqual(['not mine']);
  });

  test('a later send wakes a long poll', async () => {
    const url = await q.create();
    const poll = q.receive(url, { WaitTimeSeconds: 20 });
    await q.send(url, 'at last');
    expect(await bodies(poll)).toEqual(['at last']);
  });

  test('a delayed message is counted as delayed and becomes available in time', async () => {
    const url = await q.create();
    await q.send(url, 'later', { DelaySeconds: 1 });
    expect(await q.receive(url)).toEqual([]);
    expect(await q.attributes(url, 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesDelayed')).toEqual({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesDelayed: '1',
    });
    expect(await bodies(q.receive(url, { WaitTimeSeconds: 20 }))).toEqual(['later']);
  });

  test('a batch sends the valid messages and reports the invalid ones', async () => {
    const url = await q.create();
    const result = await q.client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'good', MessageBody: 'good' },
          { Id: 'bad', MessageBody: 'control \u0001 character' },
        ],
      }),
    );
    expect(result.Successful?.map((entry) => entry.Id)).toEqual(['good']);
    expect(result.Failed).toMatchObject([{ Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' }]);
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['good']);
  });

  test('batches delete and change visibility', async () => {
    const url = await q.create();
    await q.send(url, 'one');
    await q.send(url, 'two');
    const messages = await q.receive(url, { MaxNumberOfMessages: 10 });
    const [one, two] = messages.map(({ ReceiptHandle }, i) => ({ Id: `m${i}`, ReceiptHandle }));
    if (one === undefined || two === undefined) throw new Error('two messages were sent');
    const deleted = await q.client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: [one] }));
    expect(deleted.Successful).toEqual([{ Id: 'm0' }]);
    const changed = await q.client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl: url,
        Entries: [
          { ...two, VisibilityTimeout: 0 },
          { Id: 'never', ReceiptHandle: 'garbage', VisibilityTimeout: 0 },
        ],
      }),
    );
    expect(changed.Successful).toEqual([{ Id: 'm1' }]);
    expect(changed.Failed).toMatchObject([{ Id: 'never', Code: 'ReceiptHandleIsInvalid' }]);
    expect(await q.receive(url)).toMatchObject([{ MessageId: messages[1]?.MessageId }]);
  });

  test.each([
    ['EmptyBatchRequest', []],
    ['TooManyEntriesInBatchRequest', Array.from({ length: 11 }, (_, i) => ({ Id: `m${i}`, MessageBody: 'x' }))],
    [
      'BatchEntryIdsNotDistinct',
      [
        { Id: 'same', MessageBody: 'x' },
        { Id: 'same', MessageBody: 'y' },
      ],
    ],
    ['InvalidBatchEntryId', [{ Id: 'not an id', MessageBody: 'x' }]],
    [
      'BatchRequestTooLong',
      [
        { Id: 'a', MessageBody: 'x'.repeat(MIB) },
        { Id: 'b', MessageBody: 'x' },
      ],
    ],
  ])('%s is refused as a whole', async (name, entries) => {
    const url = await q.create();
    const sent = q.client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }));
    expect(await refusal(sent)).toBe(name);
    expect(await q.attributes(url, 'ApproximateNumberOfMessages')).toEqual({ ApproximateNumberOfMessages: '0' });
  });

  test('a message can have 1 MiB and no more', async () => {
    const url = await q.create();
    await q.send(url, 'x'.repeat(MIB));
    expect(await refusal(q.send(url, 'x'.repeat(MIB + 1)))).toBe('InvalidParameterValue');
    const attributes = { a: { DataType: 'String', StringValue: 'b' } };
    await expect(q.send(url, 'x'.repeat(MIB), { MessageAttributes: attributes })).rejects.toMatchObject({
      message: 'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
    });
    expect(await bodies(q.receive(url))).toEqual(['x'.repeat(MIB)]);
  });

  test.each(['\u0000', '\u000b', '\u001f', '\ufffe', '\uffff'])('a body with %j is refused', async (character) => {
    const url = await q.create();
    expect(await refusal(q.send(url, `before ${character} after`))).toBe('InvalidMessageContents');
  });

  test('tabs, line ends, and characters that JSON and XML escape arrive unchanged', async () => {
    const url = await q.create();
    const body = '\t\n\r \ud7ff\ue000\ufffd &<>"\\';
    await q.send(url, body);
    expect(await bodies(q.receive(url))).toEqual([body]);
  });

  test('purging removes visible, delayed and received messages', async () => {
    const url = await q.create();
    await q.send(url, 'received');
    await q.receive(url);
    await q.send(url, 'delayed', { DelaySeconds: 900 });
    await q.send(url, 'visible');
    await q.client.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(
      await q.attributes(
        url,
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesDelayed',
        'ApproximateNumberOfMessagesNotVisible',
      ),
    ).toEqual({
      ApproximateNumberOfMessages: '0',
      ApproximateNumberOfMessagesDelayed: '0',
      ApproximateNumberOfMessagesNotVisible: '0',
    });
  });

  test('a message that exceeds the maximum receive count goes to the dead-letter queue', async () => {
    const dead = await q.create();
    const url = await q.create(randomUUID(), { RedrivePolicy: await q.redriveTo(dead, 2) });
    const { MessageId } = await q.send(url, 'poison');
    const buried = q.receive(dead, { WaitTimeSeconds: 20 });
    expect(await q.receive(url, { VisibilityTimeout: 0 })).toHaveLength(1);
    expect(await q.receive(url, { VisibilityTimeout: 0 })).toHaveLength(1);
    expect(await q.receive(url)).toEqual([]);
    expect(await buried).toMatchObject([{ MessageId, Body: 'poison' }]);
  });

  describe('FIFO', () => {
    test('a group in flight returns no more messages, other groups do, and order within a group is kept', async () => {
      const url = await q.createFifo();
      for (const body of ['a1', 'a2', 'b1']) await q.sendTo(url, body[0] ?? '', body);
      const [first] = await q.receive(url);
      expect(first?.Body).toBe('a1');
      expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['b1']);
      expect(await q.receive(url, { MaxNumberOfMessages: 10 })).toEqual([]);
      const poll = q.receive(url, { WaitTimeSeconds: 20 });
      await q.delete(url, first);
      expect(await bodies(poll)).toEqual(['a2']);
    });

    test('a released message is the first of its group again', async () => {
      const url = await q.createFifo();
      await q.sendTo(url, 'a', 'a1');
      await q.sendTo(url, 'a', 'a2');
      expect(await bodies(q.receive(url, { VisibilityTimeout: 1 }))).toEqual(['a1']);
      expect(await bodies(q.receive(url, { WaitTimeSeconds: 20 }))).toEqual(['a1']);
    });

    test('a repeated deduplication ID sends once, and returns the first response', async () => {
      const url = await q.createFifo();
      const first = await q.send(url, 'one', { MessageGroupId: 'a', MessageDeduplicationId: 'd' });
      const second = await q.send(url, 'two', { MessageGroupId: 'b', MessageDeduplicationId: 'd' });
      expect(second).toMatchObject({ MessageId: first.MessageId, SequenceNumber: first.SequenceNumber });
      const received = await q.receive(url, { MaxNumberOfMessages: 10 });
      expect(received.map(({ Body }) => Body)).toEqual(['one']);
      await q.delete(url, received[0]);
      await q.send(url, 'three', { MessageGroupId: 'a', MessageDeduplicationId: 'd' });
      expect(await q.receive(url)).toEqual([]); // deleted, but remembered
    });

    test('content-based deduplication compares only the body', async () => {
      const url = await q.createFifo({ ContentBasedDeduplication: 'true' });
      await q.send(url, 'same', { MessageGroupId: 'a' });
      await q.send(url, 'same', { MessageGroupId: 'b' });
      await q.send(url, 'other', { MessageGroupId: 'c' });
      expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['same', 'other']);
    });

    test('sequence numbers increase, and the receiver gets group, deduplication ID, and number', async () => {
      const url = await q.createFifo();
      const first = await q.send(url, 'one', { MessageGroupId: 'a', MessageDeduplicationId: 'd1' });
      const second = await q.send(url, 'two', { MessageGroupId: 'b', MessageDeduplicationId: 'd2' });
      expect(BigInt(second.SequenceNumber ?? 0)).toBeGreaterThan(BigInt(first.SequenceNumber ?? 0));
      const [message] = await q.receive(url, { MessageSystemAttributeNames: ['All'] });
      expect(message?.Attributes).toMatchObject({
        MessageGroupId: 'a',
        MessageDeduplicationId: 'd1',
        SequenceNumber: first.SequenceNumber,
      });
    });

    test('group and deduplication ID are required, and a delay is refused', async () => {
      const url = await q.createFifo();
      expect(await refusal(q.send(url, 'x', { MessageDeduplicationId: 'd' }))).toBe('MissingParameter');
      expect(await refusal(q.send(url, 'x', { MessageGroupId: 'a' }))).toBe('InvalidParameterValue');
      await expect(
        q.send(url, 'x', { MessageGroupId: 'a', MessageDeduplicationId: 'd', DelaySeconds: 2 }),
      ).rejects.toMatchObject({
        message:
          'Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid ' +
          'for this queue type.',
      });
    });
  });
});

/** The same behavior as AWS; fauxqs 2.4.1 behaves differently or doesn't implement it. */
describe('SQS behavior of the emulation and of AWS, unlike fauxqs', () => {
  const clock = { ms: Date.UTC(2026, 10, 18, 9, 14) };
  const q = queuesOf(() => startSqs({ file: ':memory:', accessKeyId: ACCESS_KEY, now: () => clock.ms }));
  const advance = (seconds: number): void => {
    clock.ms += seconds * 1000;
  };

  test("errors have both of AWS's names", async () => {
    const name = randomUUID();
    await expect(q.client.send(new GetQueueUrlCommand({ QueueName: name }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      Code: 'AWS.SimpleQueueService.NonExistentQueue',
      message: 'The specified queue does not exist.',
      $metadata: { httpStatusCode: 400 },
    });
    await q.create(name, { DelaySeconds: '1' });
    await expect(q.create(name, { DelaySeconds: '2' })).rejects.toMatchObject({
      name: 'QueueNameExists',
      Code: 'QueueAlreadyExists',
      message: 'A queue already exists with the same name and a different value for attribute DelaySeconds',
    });
  });

  test('characters beyond U+FFFF are allowed, and only requested attributes are returned', async () => {
    const url = await q.create();
    await q.send(url, 'on 🔥', { MessageAttributes: { a: { DataType: 'String', StringValue: '🚒' } } });
    const [message] = await q.receive(url);
    expect(message?.Body).toBe('on 🔥');
    expect(message).not.toHaveProperty('MessageAttributes');
    expect(message).not.toHaveProperty('Attributes');
  });

  test('one receive returns as many messages of a group as possible, then those of the next group', async () => {
    const url = await q.createFifo();
    for (const body of ['a1', 'b1', 'a2', 'a3', 'b2']) await q.sendTo(url, body[0] ?? '', body);
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 4 }))).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(await q.receive(url, { MaxNumberOfMessages: 10 })).toEqual([]);
  });

  test('a group stays locked until all its received messages are deleted', async () => {
    const url = await q.createFifo();
    for (const body of ['a1', 'a2', 'a3', 'b1']) await q.sendTo(url, body[0] ?? '', body);
    const [first, second] = await q.receive(url, { MaxNumberOfMessages: 2 });
    await q.delete(url, first);
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['b1']);
    await q.delete(url, second);
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['a3']);
  });

  test.each([0, 1, 2])('message %i of a group in flight blocks the whole group', async (extended) => {
    const url = await q.createFifo();
    for (const body of ['a1', 'a2', 'a3']) await q.sendTo(url, 'a', body);
    const received = await q.receive(url, { MaxNumberOfMessages: 3, VisibilityTimeout: 10 });
    await q.hide(url, received[extended], 60);
    advance(30);
    expect(await q.receive(url, { MaxNumberOfMessages: 10 })).toEqual([]);
    advance(30);
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['a1', 'a2', 'a3']);
  });

  test('groups take turns: the group released last waits behind the others', async () => {
    const url = await q.createFifo();
    for (const body of ['a1', 'b1', 'b2', 'c1', 'a2']) await q.sendTo(url, body[0] ?? '', body);
    advance(1);
    const hasty = { VisibilityTimeout: 0 };
    expect(await bodies(q.receive(url, { ...hasty, MaxNumberOfMessages: 3 }))).toEqual(['a1', 'a2', 'b1']);
    expect(await bodies(q.receive(url, { ...hasty, MaxNumberOfMessages: 10 }))).toEqual(['c1', 'a1', 'a2', 'b1', 'b2']);
  });

  test('a deduplication ID is forgotten after five minutes', async () => {
    const url = await q.createFifo();
    const send = (body: string) => q.send(url, body, { MessageGroupId: 'a', MessageDeduplicationId: 'd' });
    await send('first');
    advance(299);
    await send('still the same');
    expect(await q.attributes(url, 'ApproximateNumberOfMessages')).toEqual({ ApproximateNumberOfMessages: '1' });
    advance(1);
    await send('second');
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['first', 'second']);
  });

  test('the deduplication scope can be the group', async () => {
    const url = await q.createFifo({ DeduplicationScope: 'messageGroup' });
    for (const group of ['a', 'b', 'a']) {
      await q.send(url, group, { MessageGroupId: group, MessageDeduplicationId: 'd' });
    }
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['a', 'b']);
  });

  test('purging forgets deduplication IDs', async () => {
    const url = await q.createFifo();
    await q.send(url, 'before', { MessageGroupId: 'a', MessageDeduplicationId: 'd' });
    await q.client.send(new PurgeQueueCommand({ QueueUrl: url }));
    await q.send(url, 'after', { MessageGroupId: 'a', MessageDeduplicationId: 'd' });
    expect(await bodies(q.receive(url))).toEqual(['after']);
  });

  test('a FIFO queue refuses an expired handle; a standard queue accepts it until the next receive', async () => {
    const fifo = await q.createFifo();
    await q.sendTo(fifo, 'a', 'a1');
    const [locked] = await q.receive(fifo, { VisibilityTimeout: 10 });
    const standard = await q.create();
    await q.send(standard, 'one');
    await q.send(standard, 'two');
    const [one, two] = await q.receive(standard, { VisibilityTimeout: 10, MaxNumberOfMessages: 2 });
    advance(11);
    const expired =
      `Value ${locked?.ReceiptHandle} for parameter ReceiptHandle is invalid. ` +
      'Reason: The receipt handle has expired.';
    await expect(q.delete(fifo, locked)).rejects.toMatchObject({ Code: 'InvalidParameterValue', message: expired });
    await expect(q.hide(fifo, locked, 30)).rejects.toMatchObject({ message: expired });
    await q.delete(standard, one);
    expect(await bodies(q.receive(standard, { MaxNumberOfMessages: 10 }))).toEqual(['two']);
    await q.delete(standard, two); // an earlier receive: succeeds, deletes nothing
    expect(await q.attributes(standard, 'ApproximateNumberOfMessagesNotVisible')).toEqual({
      ApproximateNumberOfMessagesNotVisible: '1',
    });
  });

  test('an invalid handle, or one of another queue, is refused', async () => {
    const [url, other] = [await q.create(), await q.create()];
    await expect(q.delete(url, { ReceiptHandle: 'garbage' })).rejects.toMatchObject({
      name: 'ReceiptHandleIsInvalid',
      message: 'The input receipt handle "garbage" is not a valid receipt handle.',
    });
    await q.send(url, 'mine');
    const [message] = await q.receive(url);
    await expect(q.delete(other, message)).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
    await q.delete(url, message);
    await expect(q.hide(url, message, 5)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
  });

  test('messages are deleted after the retention period, also while in flight', async () => {
    const url = await q.create(randomUUID(), { MessageRetentionPeriod: '60' });
    await q.send(url, 'in flight');
    await q.receive(url, { VisibilityTimeout: 3600 });
    await q.send(url, 'visible');
    advance(59);
    await q.send(url, 'younger');
    advance(1);
    expect(await q.attributes(url, 'ApproximateNumberOfMessagesNotVisible')).toEqual({
      ApproximateNumberOfMessagesNotVisible: '0',
    });
    expect(await bodies(q.receive(url, { MaxNumberOfMessages: 10 }))).toEqual(['younger']);
  });

  test('a dead letter keeps its ID, attributes, and count, names its source, and frees its group', async () => {
    const dead = await q.createFifo();
    const url = await q.createFifo({ RedrivePolicy: await q.redriveTo(dead, 1), VisibilityTimeout: '10' });
    const poison = await q.sendTo(url, 'a', 'poison', { kind: { DataType: 'String', StringValue: 'bad' } });
    await q.sendTo(url, 'a', 'next');
    expect(await bodies(q.receive(url))).toEqual(['poison']);
    advance(10);
    expect(await bodies(q.receive(url))).toEqual(['next']);
    const [letter] = await q.receive(dead, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
    expect(letter).toMatchObject({
      MessageId: poison.MessageId,
      MessageAttributes: { kind: { StringValue: 'bad' } },
      Attributes: {
        ApproximateReceiveCount: '2',
        MessageGroupId: 'a',
        SentTimestamp: String(clock.ms), // for a FIFO queue; a standard queue keeps the first one
        DeadLetterQueueSourceArn: `arn:aws:sqs:us-east-1:000000000000:${nameOf(url)}`,
      },
    });
    const sources = await q.client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead }));
    expect(sources.queueUrls).toEqual([url]);
  });

  test('a dead-letter queue must exist and be of the same type; without it, messages stay in their queue', async () => {
    const dead = await q.create();
    const policy = await q.redriveTo(dead, 1);
    await expect(q.createFifo({ RedrivePolicy: policy })).rejects.toMatchObject({
      message: expect.stringContaining('Dead-letter queue must be same type of queue as the source.'),
    });
    const url = await q.create(randomUUID(), { RedrivePolicy: policy, VisibilityTimeout: '0' });
    await q.client.send(new DeleteQueueCommand({ QueueUrl: dead }));
    await expect(q.create(randomUUID(), { RedrivePolicy: policy })).rejects.toMatchObject({
      message: expect.stringContaining('Dead letter target does not exist.'),
    });
    await q.send(url, 'kept');
    for (let i = 0; i < 3; i += 1) expect(await bodies(q.receive(url))).toEqual(['kept']);
    const cleared = new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy: '' } });
    await q.client.send(cleared);
    expect(await q.attributes(url, 'RedrivePolicy')).toBeUndefined();
  });

  test.each([
    { RedrivePolicy: '{"maxReceiveCount":1}' },
    { RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:x"}' },
    { RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:x","maxReceiveCount":"many"}' },
    { RedrivePolicy: '{"deadLetterTargetArn":"dummy","maxReceiveCount":1}' },
    { RedrivePolicy: 'not JSON' },
  ])('an invalid redrive policy is refused: $RedrivePolicy', async (attributes) => {
    await expect(q.create(randomUUID(), attributes)).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
  });

  test.each(['', 'with space', 'größe', 'x'.repeat(129)])('the group ID %j is refused', async (groupId) => {
    const url = await q.createFifo({ ContentBasedDeduplication: 'true' });
    const sent = q.send(url, 'x', { MessageGroupId: groupId });
    await expect(sent).rejects.toMatchObject({
      Code: 'InvalidParameterValue',
      message:
        `Value ${groupId} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include ` +
        'alphanumeric and punctuation characters. 1 to 128 in length.',
    });
  });

  test.each([
    { attribute: { DataType: 'String', StringValue: '' } },
    { attribute: { DataType: 'Text', StringValue: 'x' } },
    { attribute: { DataType: 'String', StringValue: '\u0008' } },
    { attribute: { DataType: 'Number', StringValue: 'three' } },
    { 'aws.reserved': { DataType: 'String', StringValue: 'x' } },
    { 'no spaces': { DataType: 'String', StringValue: 'x' } },
  ])('message attributes that AWS refuses are refused: %j', async (attributes) => {
    const url = await q.create();
    await expect(q.send(url, 'x', { MessageAttributes: attributes })).rejects.toMatchObject({
      Code: 'InvalidParameterValue',
    });
  });

  test('an empty body, a lone surrogate, and a deduplication ID in a standard queue are refused', async () => {
    const url = await q.create();
    await expect(q.send(url, '')).rejects.toMatchObject({ Code: 'MissingParameter' });
    await expect(q.send(url, 'x', { MessageDeduplicationId: 'd' })).rejects.toMatchObject({
      Code: 'InvalidParameterValue',
    });
    const raw = await q.raw('SendMessage', `{"QueueUrl":"${url}","MessageBody":"lone \\ud83d surrogate"}`);
    expect(raw).toMatchObject({
      status: 400,
      headers: { 'x-amzn-query-error': 'InvalidMessageContents;Sender' },
      body: { __type: 'com.amazonaws.sqs#InvalidMessageContents' },
    });
  });

  test('a FIFO batch without a group or a deduplication ID is refused as a whole', async () => {
    const url = await q.createFifo();
    const batch = (entry: object) =>
      q.client.send(
        new SendMessageBatchCommand({
          QueueUrl: url,
          Entries: [
            { Id: 'good', MessageBody: 'x', MessageGroupId: 'a', MessageDeduplicationId: 'd' },
            { Id: 'bad', MessageBody: 'x', ...entry },
          ],
        }),
      );
    await expect(batch({ MessageDeduplicationId: 'e' })).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    await expect(batch({ MessageGroupId: 'a' })).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    expect(await q.receive(url)).toEqual([]);
  });

  test("only the message above its queue's size limit fails", async () => {
    const url = await q.create(randomUUID(), { MaximumMessageSize: '1024' });
    const result = await q.client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'large', MessageBody: 'x'.repeat(1025) },
          { Id: 'fits', MessageBody: 'x'.repeat(1024) },
        ],
      }),
    );
    expect(result.Failed).toMatchObject([{ Id: 'large', Code: 'InvalidParameterValue' }]);
    expect(result.Successful).toMatchObject([{ Id: 'fits' }]);
  });

  test.each([
    [
      { MaxNumberOfMessages: 11 },
      'Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
    ],
    [
      { WaitTimeSeconds: 21 },
      'Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.',
    ],
    [
      { VisibilityTimeout: 43_201 },
      'Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.',
    ],
  ])('a receive with %j is refused', async (input, message) => {
    const url = await q.create();
    await expect(q.receive(url, input)).rejects.toMatchObject({ Code: 'InvalidParameterValue', message });
  });

  test.each([
    [{ FifoQueue: 'true' }, 'InvalidParameterValue'],
    [{ ContentBasedDeduplication: 'true' }, 'InvalidAttributeName'],
    [{ DeduplicationScope: 'queue' }, 'InvalidAttributeName'],
    [{ NoSuchAttribute: '1' }, 'InvalidAttributeName'],
  ])('a standard queue with %j is refused', async (attributes, code) => {
    await expect(q.create(randomUUID(), attributes)).rejects.toMatchObject({ Code: code });
  });

  test("a FIFO name requires the attribute, and the type of a queue can't change", async () => {
    await expect(q.create('plain.fifo')).rejects.toMatchObject({ Code: 'InvalidParameterValue' });
    const url = await q.createFifo();
    const change = new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { FifoQueue: 'false' } });
    await expect(q.client.send(change)).rejects.toMatchObject({
      message: 'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
    });
  });

  test('a queue is identified by the last part of its URL, with any host and port', async () => {
    const url = await q.create();
    const elsewhere = `http://127.0.0.1:1/000000000000/${nameOf(url)}`;
    await q.send(elsewhere, 'found');
    expect(await bodies(q.receive(url))).toEqual(['found']);
  });

  test('a disconnected receiver takes no messages', async () => {
    const url = await q.create();
    const poll = httpRequest(q.url, { method: 'POST', headers: q.headers('ReceiveMessage') });
    poll.end(JSON.stringify({ QueueUrl: url, WaitTimeSeconds: 20 }));
    await once(poll, 'finish');
    await q.attributes(url, 'All'); // its response shows that the poll was read earlier
    const failed = once(poll, 'error');
    poll.destroy(new Error('hung up'));
    await failed;
    await q.attributes(url, 'All'); // the end of the connection has been read by now
    const other = q.receive(url, { WaitTimeSeconds: 20 });
    await q.send(url, 'for whoever is there');
    expect(await bodies(other)).toEqual(['for whoever is there']);
  });

  test('a poll of a queue that is deleted meanwhile gets an error', async () => {
    const url = await q.create();
    const poll = refusal(q.receive(url, { WaitTimeSeconds: 20 }));
    await q.attributes(url, 'All');
    await q.client.send(new DeleteQueueCommand({ QueueUrl: url }));
    expect(await poll).toBe('NonExistentQueue');
  });

  test('each send of a burst gets its own response and ID', async () => {
    const url = await q.create();
    const sent = await Promise.all(Array.from({ length: 200 }, (_, i) => q.send(url, `${i}`)));
    expect(new Set(sent.map(({ MessageId }) => MessageId)).size).toBe(200);
    expect(await q.attributes(url, 'ApproximateNumberOfMessages')).toEqual({ ApproximateNumberOfMessages: '200' });
  });

  test('unknown, unreadable, and incomplete requests are refused with the reason', async () => {
    expect(await q.raw('StartMessageMoveTask', '{}')).toMatchObject({
      status: 400,
      body: { __type: 'com.amazonaws.sqs#UnknownOperationException' },
    });
    expect(await q.raw('SendMessage', '{')).toMatchObject({
      status: 400,
      body: { __type: 'com.amazonaws.sqs#SerializationException' },
    });
    expect(await q.raw('SendMessage', '{"MessageBody":"x"}')).toMatchObject({
      headers: { 'x-amzn-query-error': 'MissingParameter;Sender' },
      body: { message: 'The request must contain the parameter QueueUrl.' },
    });
  });

  test('a request signed with another access key is refused', async () => {
    const stranger = clientOf(q.url, 'AKIASTRANGER');
    await expect(stranger.send(new ListQueuesCommand({}))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      $metadata: { httpStatusCode: 403 },
    });
    stranger.destroy();
  });
});

function clientOf(endpoint: string, accessKeyId: string): SQSClient {
  return new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'x' },
    maxAttempts: 1,
  });
}

/** Returns the error code of a failed call, without the prefix that fauxqs adds to every code and AWS to some. */
const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'nothing was refused',
    (error: { Code?: string }) => error.Code?.replace('AWS.SimpleQueueService.', ''),
  );

const nameOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);

const bodies = async (messages: Promise<Message[]>): Promise<(string | undefined)[]> =>
  (await messages).map(({ Body }) => Body);

/** Starts the endpoint before the tests of this suite and stops it after them. Returns helpers for frequent calls. */
function queuesOf(start: () => Promise<{ url: string; close(): Promise<void> }>) {
  let endpoint: { url: string; close(): Promise<void> };
  let client: SQSClient;
  beforeAll(async () => {
    endpoint = await start();
    client = clientOf(endpoint.url, ACCESS_KEY);
  });
  afterAll(async () => {
    client.destroy();
    await endpoint.close();
  });

  const create = async (name: string = randomUUID(), attributes: Record<string, string> = {}): Promise<string> => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    return QueueUrl ?? '';
  };
  const send = (url: string, body: string, more: Partial<SendMessageCommandInput> = {}) =>
    client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }));
  const attributes = async (url: string, ...names: QueueAttributeName[]) => {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: names });
    return (await client.send(command)).Attributes;
  };
  const headers = (operation: string): Record<string, string> => ({
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `AmazonSQS.${operation}`,
    authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/20261118/us-east-1/sqs/aws4_request, Signature=x`,
  });

  return {
    get client() {
      return client;
    },
    get url() {
      return endpoint.url;
    },
    create,
    send,
    attributes,
    headers,
    createFifo: (more: Record<string, string> = {}) => create(`${randomUUID()}.fifo`, { FifoQueue: 'true', ...more }),
    sendTo: (url: string, group: string, body: string, MessageAttributes = {}) =>
      send(url, body, { MessageGroupId: group, MessageDeduplicationId: randomUUID(), MessageAttributes }),
    receive: async (url: string, more: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> =>
      (await client.send(new ReceiveMessageCommand({ QueueUrl: url, ...more }))).Messages ?? [],
    delete: (url: string, message: Message | undefined) =>
      client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle })),
    hide: (url: string, message: Message | undefined, seconds: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: message?.ReceiptHandle,
          VisibilityTimeout: seconds,
        }),
      ),
    redriveTo: async (dead: string, maxReceiveCount: number) => {
      const deadLetterTargetArn = (await attributes(dead, 'QueueArn'))?.['QueueArn'];
      return JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
    },
    /** Sends a request that the SDK doesn't send. */
    raw: async (operation: string, body: string) => {
      const reply = await fetch(endpoint.url, { method: 'POST', headers: headers(operation), body });
      return { status: reply.status, headers: Object.fromEntries(reply.headers), body: await reply.json() };
    },
  };
}
