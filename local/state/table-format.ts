import { type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { keys } from '../../aws/table/core/keys.ts';
import { Table } from '../../aws/table/core/table.ts';
import { TABLE_FORMAT, unreadable } from './formats.ts';

/**
 * Records the format of a new table, and checks that of an existing one. Runs before anything else reads the table.
 *
 * @throws Error if a version with another format has written the table
 */
export async function checkTableFormat(client: DynamoDBClient, name: string): Promise<void> {
  const table = new Table(client, name);
  const found = (await table.get(keys.format()))?.['format'];
  if (found === undefined && (await isEmpty(client, name)))
    return void (await table.transact([table.put({ ...keys.format(), format: TABLE_FORMAT })]));
  const format = Number(found ?? 1); // the first format did not record its number
  if (format !== TABLE_FORMAT) throw unreadable('the table in the data folder', format, TABLE_FORMAT);
}

async function isEmpty(client: DynamoDBClient, TableName: string): Promise<boolean> {
  const { Count = 0 } = await client.send(new ScanCommand({ TableName, ConsistentRead: true, Limit: 1 }));
  return Count === 0;
}
