import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttributeValue,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type LocalDynamoDb, startDynamoDb } from '../../../local/aws/dynamodb/start.ts';
import { startTtlSweep } from '../../../local/aws/dynamodb/ttl.ts';

const NOW = Date.parse('2026-11-20T08:00:00Z') / 1000;
const YEAR = 365 * 24 * 60 * 60;

const accessKeyId = randomUUID();
let folder: string;
let dynamodb: LocalDynamoDb;
let client: DynamoDBClient;
let table: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-ttl-'));
  dynamodb = await startDynamoDb({ file: join(folder, 'dynamodb.sqlite'), accessKeyId });
  client = newClient();
});

beforeEach(async () => {
  table = `ttl-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    }),
  );
});

afterAll(async () => {
  client?.destroy();
  await dynamodb?.close();
  await rm(folder, { recursive: true, force: true });
});

const newClient = () =>
  new DynamoDBClient({
    endpoint: dynamodb.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'not checked' },
  });
const put = (pk: string, expiresAt?: AttributeValue) =>
  client.send(
    new PutItemCommand({
      TableName: table,
      Item: { pk: { S: pk }, sk: { S: 'x' }, ...(expiresAt && { expires_at: expiresAt }) },
    }),
  );
const left = async () =>
  ((await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }))).Items ?? [])
    .flatMap(({ pk }) => pk?.S ?? [])
    .toSorted();

function sweeper(options: { everySeconds?: number; client?: DynamoDBClient; log?: (entry: object) => void } = {}) {
  const sweep = startTtlSweep({
    client,
    table,
    attribute: 'expires_at',
    everySeconds: 3600,
    now: () => NOW * 1000,
    ...options,
  });
  onTestFinished(() => sweep.close());
  return sweep;
}

test('deletes only items whose attribute is a Number in the past, and not too far', async () => {
  await put('expired', { N: `${NOW - 1}` });
  await put('expired-with-fraction', { N: `${NOW - 0.5}` });
  await put('expires-this-second', { N: `${NOW}` });
  await put('later', { N: `${NOW + 60}` });
  await put('text', { S: `${NOW - 1}` });
  await put('milliseconds', { N: `${(NOW - 1) * 1000}` });
  await put('zero', { N: '0' });
  await put('older-than-five-years', { N: `${NOW - 5 * YEAR - 1}` });
  await put('without');
  expect(await sweeper().sweep()).toBe(2);
  expect(await left()).toEqual(
    ['expires-this-second', 'later', 'milliseconds', 'older-than-five-years', 'text', 'without', 'zero'].toSorted(),
  );
});

test('keeps an item that is renewed between scan and delete', async () => {
  await put('renewed', { N: `${NOW - 1}` });
  const renewing = newClient();
  renewing.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === DeleteItemCommand.name) await put('renewed', { N: `${NOW + 60}` });
      return next(args);
    },
    { step: 'initialize' },
  );
  expect(await sweeper({ client: renewing }).sweep()).toBe(0);
  expect(await left()).toEqual(['renewed']);
});

test('deletes more than a page of expired items in one sweep', async () => {
  const body = 'b'.repeat(300 * 1024);
  for (let n = 0; n < 5; n += 1) {
    const Item = { pk: { S: `${n}` }, sk: { S: 'x' }, body: { S: body }, expires_at: { N: `${NOW - 1}` } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
  }
  expect(await sweeper().sweep()).toBe(5);
  expect(await left()).toEqual([]);
});

test('sweeps repeatedly, also after a failure', async () => {
  const log: object[] = [];
  const failing = newClient();
  let failures = 0;
  failing.middlewareStack.add(
    (next) => async (args) => {
      if (failures++ === 0) throw new Error('not now');
      return next(args);
    },
    { step: 'initialize' },
  );
  await put('first', { N: `${NOW - 1}` });
  sweeper({ client: failing, everySeconds: 0.01, log: (entry) => log.push(entry) });
  await expect.poll(left).toEqual([]);
  await put('second', { N: `${NOW - 1}` });
  await expect.poll(left).toEqual([]);
  expect(log).toEqual([
    { event: 'dynamodb.ttl-failed', table, error: 'Error: not now' },
    { event: 'dynamodb.ttl', table, deleted: 1 },
    { event: 'dynamodb.ttl', table, deleted: 1 },
  ]);
});
