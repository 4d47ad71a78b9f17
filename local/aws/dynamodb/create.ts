import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsClient } from '../../../aws/client.ts';
import { EMULATION_LIMITS } from '../../limits.ts';
import { startDynamoDb } from './start.ts';

/** What belongs to a SQLite file besides itself while it is in use. */
const COMPANIONS = ['-wal', '-shm'];

/**
 * Makes the database `file` with its tables, whole or not at all; one that is there is left as it is.
 *
 * The program makes a table in several steps. When it dies between them, the half table counts as existing at every
 * later start, and every write to it fails. So the tables are made under another name, and nothing that a crash leaves
 * of that is ever used.
 *
 * @param createTables is given a client of the new database
 */
export async function createDatabase(
  options: { file: string; accessKeyId: string; binary?: string | undefined },
  createTables: (client: DynamoDBClient) => Promise<void>,
): Promise<void> {
  const { file } = options;
  if (existsSync(file)) return;
  const draft = `${file}.new`;
  for (const suffix of ['', ...COMPANIONS]) await rm(draft + suffix, { force: true });
  const database = await startDynamoDb({ ...options, file: draft });
  const client = awsClient(DynamoDBClient, EMULATION_LIMITS, { endpoint: database.url });
  try {
    await createTables(client);
  } finally {
    client.destroy();
    await database.close();
  }
  takeIn(draft);
  await rename(draft, file);
}

/** The last to close a SQLite file writes its companions into it and removes them; the program was killed instead. */
function takeIn(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
