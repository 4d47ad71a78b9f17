import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { TABLE } from '../../../functions/assembly/resources.ts';
import { freePort } from '../../../packages/demo/free-port.ts';
import { spawnTied } from '../tied-child.ts';
import { clientOptions, type Endpoint } from './server.ts';

const READY_MAX_MS = 120_000;
const READY_POLL_MS = 2;

/** Starts an empty DynamoDB in memory: the program dynoxide, as a child process. */
export async function startDynamoDb(): Promise<Endpoint> {
  const program = createRequire(import.meta.url).resolve('@dynoxide/linux-x64/dynoxide');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawnTied(program, ['--port', String(port)]);
  const timeout = AbortSignal.timeout(READY_MAX_MS);
  let exited: string | undefined;
  void child.exited.then((why) => (exited = why));
  while (!(await isResponding(url))) {
    if (exited !== undefined || timeout.aborted) throw new Error(`DynamoDB did not start: ${exited ?? 'no response'}`);
    await sleep(READY_POLL_MS);
  }
  return { url, close: () => child.stop() };
}

async function isResponding(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

/** Starts a DynamoDB that has the table of Firebreak, and a client of it. */
export async function startTable(name = 'firebreak'): Promise<Endpoint & { client: DynamoDBClient }> {
  const { url, close } = await startDynamoDb();
  const client = new DynamoDBClient(clientOptions(url));
  await createTable(client, name);
  return {
    url,
    client,
    close: async () => {
      client.destroy();
      await close();
    },
  };
}

/** Creates a table as `platforms/aws/infra/` does. */
async function createTable(client: DynamoDBClient, name: string): Promise<void> {
  const { keys, index } = TABLE;
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [keys.hash, keys.range, index.hash, index.range].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S' as const,
      })),
      KeySchema: [
        { AttributeName: keys.hash, KeyType: 'HASH' },
        { AttributeName: keys.range, KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.hash, KeyType: 'HASH' },
            { AttributeName: index.range, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
}
