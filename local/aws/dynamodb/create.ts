import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { awsClient } from '../../../aws/clients/client.ts';
import { EMULATION_LIMITS } from '../../limits.ts';
import { startDynamoDb } from './start.ts';

/** The suffixes of the additional files of a SQLite database that is in use. */
const COMPANION_SUFFIXES = ['-wal', '-shm'];

/**
 * Creates the database `file` with its tables, completely or not at all. Keeps an existing database.
 *
 * Dynoxide, the program that emulates DynamoDB, creates a table in several steps. If it dies between them, the
 * incomplete table counts as existing at every later start, and every write to it fails. Therefore, the tables are
 * created in a file with another name, which is never used after a crash.
 *
 * @param createTables gets a client for the new database
 */
export async function createDatabase(
  options: { file: string; accessKeyId: string; binary?: string | undefined },
  createTables: (client: DynamoDBClient) => Promise<void>,
): Promise<void> {
  const { file } = options;
  if (existsSync(file)) return;
  const draft = `${file}.new`;
  for (const suffix of ['', ...COMPANION_SUFFIXES]) await rm(draft + suffix, { force: true });
  const database = await startDynamoDb({ ...options, file: draft });
  const client = awsClient(DynamoDBClient, EMULATION_LIMITS, { endpoint: database.url });
  try {
    await createTables(client);
  } finally {
    client.destroy();
    await database.close();
  }
  mergeCompanions(draft);
  await rename(draft, file);
}

/**
 * Merges the additional files into the database file. SQLite does this when the last connection closes, but the program
 * was killed instead.
 */
function mergeCompanions(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
