import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Table } from '../aws/table/core/table.ts';
import { startDynamoDb } from '../local/aws/dynamodb/start.ts';
import { createTable } from '../local/state/resources.ts';

/**
 * Runs something with a local DynamoDB, and stops it afterwards.
 *
 * @param file of the database, or `:memory:`
 */
export async function withDatabase<T>(file: string, run: (client: DynamoDBClient) => Promise<T>): Promise<T> {
  const accessKeyId = randomUUID();
  const database = await startDynamoDb({ file, accessKeyId, binary: process.env['FIREBREAK_DYNOXIDE_BIN'] });
  const client = new DynamoDBClient({
    endpoint: database.url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'not checked' },
  });
  try {
    return await run(client);
  } finally {
    client.destroy();
    await database.close();
  }
}

/** Runs something with an empty table of a local DynamoDB in memory. */
export const withTable = <T>(run: (table: Table) => Promise<T>): Promise<T> =>
  withDatabase(':memory:', async (client) => {
    const name = 'firebreak-bench';
    await createTable(client, name);
    return run(new Table(client, name));
  });
