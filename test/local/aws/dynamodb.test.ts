import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalDynamoDb, startDynamoDb } from '../../../local/aws/dynamodb/start.ts';

const ITEM_MAX_BYTES = 400 * 1024;
const PAGE_MAX_BYTES = 1024 * 1024;

const TableName = 'firebreak';
const accessKeyId = randomUUID();
let folder: string;
let dynamodb: LocalDynamoDb;
let db: DynamoDBDocumentClient;

const clientWith = (key: string) =>
  new DynamoDBClient({
    endpoint: dynamodb.url,
    region: 'us-east-1',
    credentials: { accessKeyId: key, secretAccessKey: 'not checked' },
    maxAttempts: 1,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-dynamodb-'));
  dynamodb = await startDynamoDb({
    file: join(folder, 'dynamodb.sqlite'),
    accessKeyId,
    binary: process.env['FIREBREAK_DYNOXIDE_BIN'],
  });
  db = DynamoDBDocumentClient.from(clientWith(accessKeyId));
  await db.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S',
      })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'gsi1',
          KeySchema: [
            { AttributeName: 'gsi1pk', KeyType: 'HASH' },
            { AttributeName: 'gsi1sk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
});

afterAll(async () => {
  db?.destroy();
  await dynamodb?.close();
  await rm(folder, { recursive: true, force: true });
});

const read = async (pk: string, sk = 'x') =>
  (await db.send(new GetCommand({ TableName, Key: { pk, sk }, ConsistentRead: true }))).Item;
const put = (item: object) => db.send(new PutCommand({ TableName, Item: { sk: 'x', ...item } }));
const unlessThere = (item: object) => ({
  TableName,
  Item: { sk: 'x', ...item },
  ConditionExpression: 'attribute_not_exists(pk)',
});

describe('access', () => {
  test('a request signed with another access key is refused with 403', async () => {
    const stranger = clientWith(randomUUID());
    const refused = stranger.send(new ListTablesCommand({}));
    await expect(refused).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      $metadata: { httpStatusCode: 403 },
    });
  });

  test('an unsigned request, which a web page can send, is refused without permission to read the response', async () => {
    const response = await fetch(dynamodb.url, { method: 'OPTIONS', headers: { origin: 'https://example.com' } });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('single items', () => {
  test('of 50 conditional puts of one key, exactly one succeeds, and it is stored', async () => {
    const attempts = Array.from({ length: 50 }, async (_, by) => {
      try {
        await db.send(new PutCommand(unlessThere({ pk: 'race', by })));
        return [by];
      } catch (error) {
        expect(error).toHaveProperty('name', 'ConditionalCheckFailedException');
        return [];
      }
    });
    const winners = (await Promise.all(attempts)).flat();
    expect(winners).toHaveLength(1);
    expect(await read('race')).toMatchObject({ by: winners[0] });
  });

  test('a failed condition returns the existing item', async () => {
    await put({ pk: 'taken', by: 'first' });
    const second = db.send(
      new PutCommand({ ...unlessThere({ pk: 'taken' }), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    );
    await expect(second).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: { pk: { S: 'taken' }, sk: { S: 'x' }, by: { S: 'first' } },
    });
  });

  test('a consistent read returns the last acknowledged write', async () => {
    for (let n = 0; n < 20; n += 1) {
      await put({ pk: 'counter', n });
      expect(await read('counter')).toMatchObject({ n });
    }
  });

  test('50 concurrent list_append and ADD updates all count', async () => {
    await put({ pk: 'log', entries: [], count: 0 });
    const appends = Array.from({ length: 50 }, (_, n) =>
      db.send(
        new UpdateCommand({
          TableName,
          Key: { pk: 'log', sk: 'x' },
          UpdateExpression: 'SET entries = list_append(entries, :entry) ADD #count :one',
          ExpressionAttributeNames: { '#count': 'count' },
          ExpressionAttributeValues: { ':entry': [n], ':one': 1 },
        }),
      ),
    );
    await Promise.all(appends);
    const item = await read('log');
    expect(item?.['count']).toBe(50);
    expect(new Set(item?.['entries'] as number[]).size).toBe(50);
  });

  test('an item of 400 KB is stored; one byte more is refused', async () => {
    const around = Buffer.byteLength('pk' + 'full' + 'sk' + 'x' + 'body'); // names count as well as values
    const body = 'b'.repeat(ITEM_MAX_BYTES - around);
    await put({ pk: 'full', body });
    expect((await read('full'))?.['body']).toHaveLength(body.length);
    await expect(put({ pk: 'full', body: `${body}b` })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('size'),
    });
  });

  test('text and binary values are returned unchanged', async () => {
    const item = {
      pk: 'bytes',
      text: 'naïve 🔥 \u0000 \u2028 "\\',
      binary: Uint8Array.from({ length: 256 }, (_, i) => i),
    };
    await put(item);
    expect(await read('bytes')).toMatchObject(item);
  });
});

describe('transactions', () => {
  test('one failed condition cancels the transaction, and returns its reason and the existing item', async () => {
    await put({ pk: 'tx-taken', by: 'first' });
    const second = db.send(
      new TransactWriteCommand({
        TransactItems: [
          { Put: { TableName, Item: { pk: 'tx-new', sk: 'x' } } },
          { Put: { ...unlessThere({ pk: 'tx-taken' }), ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
        ],
      }),
    );
    await expect(second).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: { by: { S: 'first' } } }],
    });
    expect(await read('tx-new')).toBeUndefined();
  });

  test('a condition check guards a write to another item', async () => {
    const attachIfOpen = (signal: string) =>
      db.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              ConditionCheck: {
                TableName,
                Key: { pk: 'incident', sk: 'x' },
                ConditionExpression: '#status = :open',
                ExpressionAttributeNames: { '#status': 'status' },
                ExpressionAttributeValues: { ':open': 'open' },
              },
            },
            { Put: unlessThere({ pk: signal }) },
          ],
        }),
      );
    await put({ pk: 'incident', status: 'open' });
    await attachIfOpen('signal-1');
    await put({ pk: 'incident', status: 'resolved' });
    await expect(attachIfOpen('signal-2')).rejects.toHaveProperty('name', 'TransactionCanceledException');
    expect(await read('signal-1')).toBeDefined();
    expect(await read('signal-2')).toBeUndefined();
  });

  test('a repeat with the same token succeeds without a second effect; another request with that token is refused', async () => {
    const ClientRequestToken = randomUUID();
    const add = (n: number) =>
      new TransactWriteCommand({
        ClientRequestToken,
        TransactItems: [
          {
            Update: {
              TableName,
              Key: { pk: 'tx-once', sk: 'x' },
              UpdateExpression: 'ADD n :n',
              ExpressionAttributeValues: { ':n': n },
            },
          },
        ],
      });
    await db.send(add(1));
    await db.send(add(1));
    expect(await read('tx-once')).toMatchObject({ n: 1 });
    await expect(db.send(add(2))).rejects.toHaveProperty('name', 'IdempotentParameterMismatchException');
  });

  test('of 20 concurrent transactions on one item, exactly one succeeds completely', async () => {
    const attempts = Array.from({ length: 20 }, (_, by) =>
      db.send(
        new TransactWriteCommand({
          TransactItems: [
            { Put: unlessThere({ pk: 'tx-open', by }) },
            { Put: { TableName, Item: { pk: 'tx-opened', sk: `${by}` } } },
          ],
        }),
      ),
    );
    const results = await Promise.allSettled(attempts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { Items } = await db.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': 'tx-opened' },
      }),
    );
    expect(Items).toEqual([{ pk: 'tx-opened', sk: String((await read('tx-open'))?.['by']) }]);
  });

  test('100 items fit into one transaction; 101 do not', async () => {
    const items = Array.from({ length: 101 }, (_, n) => ({ Put: { TableName, Item: { pk: 'tx-100', sk: `${n}` } } }));
    await expect(db.send(new TransactWriteCommand({ TransactItems: items }))).rejects.toHaveProperty(
      'name',
      'ValidationException',
    );
    await db.send(new TransactWriteCommand({ TransactItems: items.slice(1) }));
    const { Responses } = await db.send(
      new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key: { pk: 'tx-100', sk: '100' } } }] }),
    );
    expect(Responses).toEqual([{ Item: { pk: 'tx-100', sk: '100' } }]);
  });
});

describe('queries and batches', () => {
  /** Returns all items of a query by page. */
  async function pagesOf(query: Omit<ConstructorParameters<typeof QueryCommand>[0], 'TableName'>) {
    const pages: Record<string, unknown>[][] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await db.send(new QueryCommand({ TableName, ...query, ExclusiveStartKey }));
      pages.push(page.Items ?? []);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return pages;
  }

  test('a batch of 25 is written, and read by BatchGet', async () => {
    const items = Array.from({ length: 25 }, (_, n) => ({ pk: 'batch', sk: `${n}`, n }));
    await db.send(
      new BatchWriteCommand({ RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) } }),
    );
    const { Responses } = await db.send(
      new BatchGetCommand({ RequestItems: { [TableName]: { Keys: items.map(({ pk, sk }) => ({ pk, sk })) } } }),
    );
    expect(Responses?.[TableName]?.map(({ n }) => n as number).toSorted((a, b) => a - b)).toEqual(
      items.map(({ n }) => n),
    );
  });

  test('an index returns its own order, newest first on request, in pages without gaps or duplicates', async () => {
    for (let n = 0; n < 10; n += 1) {
      // Pairs share an index key: a page boundary must not lose the second of a pair.
      await put({ pk: `indexed-${n}`, gsi1pk: 'OPEN', gsi1sk: `2026-11-20T00:0${Math.floor(n / 2)}` });
    }
    const query = {
      IndexName: 'gsi1',
      KeyConditionExpression: 'gsi1pk = :pk AND gsi1sk >= :from',
      ExpressionAttributeValues: { ':pk': 'OPEN', ':from': '2026-11-20T00:01' },
      ScanIndexForward: false,
    };
    const pages = await pagesOf({ ...query, Limit: 3 });
    expect(pages.length).toBeGreaterThan(2);
    const found = pages.flat();
    expect(new Set(found.map(({ pk }) => pk)).size).toBe(8);
    const times = found.map(({ gsi1sk }) => String(gsi1sk));
    expect(times).toEqual(times.toSorted().toReversed());
  });

  test('an item leaves the index when its index key is removed, and an index refuses consistent reads', async () => {
    await put({ pk: 'leaves', gsi1pk: 'PENDING', gsi1sk: '1' });
    const pending = {
      TableName,
      IndexName: 'gsi1',
      KeyConditionExpression: 'gsi1pk = :pk',
      ExpressionAttributeValues: { ':pk': 'PENDING' },
    };
    expect((await db.send(new QueryCommand(pending))).Count).toBe(1);
    await db.send(
      new UpdateCommand({ TableName, Key: { pk: 'leaves', sk: 'x' }, UpdateExpression: 'REMOVE gsi1pk, gsi1sk' }),
    );
    expect((await db.send(new QueryCommand(pending))).Count).toBe(0);
    await expect(db.send(new QueryCommand({ ...pending, ConsistentRead: true }))).rejects.toHaveProperty(
      'name',
      'ValidationException',
    );
  });

  test('a page ends at 1 MB, before the filter', async () => {
    const body = 'b'.repeat(300 * 1024);
    for (let n = 0; n < 5; n += 1) await put({ pk: 'large', sk: `${n}`, body, last: n === 4 });
    const query = { KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': 'large' } };
    const whole = await pagesOf(query);
    expect(whole.flat()).toHaveLength(5);
    for (const page of whole)
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(PAGE_MAX_BYTES + body.length);
    expect(whole.length).toBeGreaterThan(1);

    const filtered = await pagesOf({
      ...query,
      FilterExpression: '#last = :yes',
      ExpressionAttributeNames: { '#last': 'last' },
      ExpressionAttributeValues: { ':pk': 'large', ':yes': true },
    });
    expect(filtered.map((page) => page.length)).toEqual(whole.map((_, n) => (n === whole.length - 1 ? 1 : 0)));
  });
});
