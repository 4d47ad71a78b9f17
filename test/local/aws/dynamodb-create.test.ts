import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createDatabase } from '../../../local/aws/dynamodb/create.ts';
import { startDynamoDb } from '../../../local/aws/dynamodb/start.ts';
import { createTable } from '../../../local/state/resources.ts';

const accessKeyId = 'create-test';
let folder: string;
let file: string;

beforeEach(async () => {
  vi.stubEnv('AWS_REGION', 'us-east-1').stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not checked');
  folder = await mkdtemp(join(tmpdir(), 'firebreak-create-'));
  file = join(folder, 'dynamodb.sqlite');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const create = () => createDatabase({ file, accessKeyId }, (client) => createTable(client, 'firebreak'));

async function open(): Promise<DynamoDBClient> {
  const database = await startDynamoDb({ file, accessKeyId });
  const client = new DynamoDBClient({ endpoint: database.url });
  onTestFinished(() => database.close());
  return client;
}

const KEY = { pk: { S: 'a' }, sk: { S: 'b' } };
const ITEM = { ...KEY, list: { S: 'all' }, list_key: { S: '1' } };

test("a database that was not created completely doesn't exist, and the next attempt creates it", async () => {
  const half = createDatabase({ file, accessKeyId }, async (client) => {
    await createTable(client, 'firebreak');
    throw new Error('it died here');
  });
  await expect(half).rejects.toThrow('it died here');
  expect(existsSync(file)).toBe(false);
  await create();
  const client = await open();
  expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(['firebreak']);
  await client.send(new PutItemCommand({ TableName: 'firebreak', Item: ITEM }));
});

test('the files of an interrupted creation are not used', async () => {
  await writeFile(`${file}.new`, 'half of a database');
  await writeFile(`${file}.new-wal`, 'half of its log');
  await create();
  const client = await open();
  await client.send(new PutItemCommand({ TableName: 'firebreak', Item: ITEM }));
});

test('an existing database is not changed', async () => {
  await create();
  const client = await open();
  await client.send(new PutItemCommand({ TableName: 'firebreak', Item: ITEM }));
  await create();
  expect((await client.send(new GetItemCommand({ TableName: 'firebreak', Key: KEY }))).Item).toEqual(ITEM);
});
