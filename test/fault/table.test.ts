import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, TransactionInProgressException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { absent, Table } from '../../aws/table/core/table.ts';
import { type LocalDynamoDb, startDynamoDb } from '../../local/aws/dynamodb/start.ts';
import { createTable } from '../../local/state/resources.ts';
import { faultProxy, type FaultRates } from '../support/fault-proxy.ts';

const credentials = { accessKeyId: 'table-test', secretAccessKey: 'not checked' };
let folder: string;
let database: LocalDynamoDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-fault-table-'));
  database = await startDynamoDb({ file: join(folder, 'dynamodb.sqlite'), accessKeyId: credentials.accessKeyId });
  const client = clientOf(database.url);
  await createTable(client, 'firebreak');
  client.destroy();
});

afterAll(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const clientOf = (endpoint: string) => new DynamoDBClient({ endpoint, region: 'us-east-1', credentials });

function tableOf(client: DynamoDBClient): Table {
  onTestFinished(() => client.destroy());
  return new Table(client, 'firebreak');
}

async function faulty(rates: FaultRates<'dynamodb'>): Promise<Table> {
  const proxy = await faultProxy({ upstream: database.url, service: 'dynamodb', seed: 7, rates });
  onTestFinished(() => proxy.close());
  return tableOf(clientOf(proxy.url));
}

const keyOf = (name: string) => ({ pk: `TEST#${name}`, sk: 'TEST' });

describe('the table', () => {
  test.each([
    { fault: 'transaction-conflict', rate: 0.4 },
    { fault: 'transaction-in-progress', rate: 0.1 }, // a low rate, because the SDK waits long before it retries
    { fault: 'lost-answer', rate: 0.2 },
  ] as const)('applies each write once, and reports its result, despite $fault', async ({ fault, rate }) => {
    const table = await faulty({ [fault]: rate });
    for (let n = 0; n < 8; n += 1) {
      const key = keyOf(`${fault} ${n}`);
      expect(await table.transact([table.put({ ...key, n }, absent)])).toEqual({ ok: true });
      expect(await table.transact([table.put({ ...key, n: 'another' }, absent)])).toEqual({ ok: false, failed: [0] });
      expect(await table.get(key)).toMatchObject({ n });
    }
  });

  test('updates an item despite concurrent transactions on it', async () => {
    const table = await faulty({ 'transaction-conflict': 0.5 });
    const key = keyOf('touched');
    for (let n = 0; n < 8; n += 1) {
      await table.touch(key, { UpdateExpression: 'SET n = :n', ExpressionAttributeValues: { ':n': n } });
      expect(await table.get(key)).toMatchObject({ n });
    }
  });

  test('does not mistake its own transaction, which succeeded while reported as in progress, for another one', async () => {
    const client = clientOf(database.url);
    let told = false;
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const done = await next(args);
          if (commandName !== 'TransactWriteItemsCommand' || told) return done;
          told = true;
          throw new TransactionInProgressException({ message: 'in progress', $metadata: {} });
        },
      { step: 'initialize' },
    );
    const table = tableOf(client);
    expect(await table.transact([table.put(keyOf('in progress'), absent)])).toEqual({ ok: true });
    expect(told).toBe(true);
  });
});
